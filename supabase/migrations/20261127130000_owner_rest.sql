-- Owners: keys that end are told by mail, every list has pages, an authorization is found by the reference that was seen, and a proof
-- that failed can be shown again at once (HTTP-API "Server management"; SECURITY §23, §28).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- They take a cursor from now on.
drop function mcp.list_keys(text, jsonb);
drop function mcp.list_servers(jsonb);
drop function mcp.list_personal_tokens(jsonb);
drop function mcp.list_offers(jsonb);
drop function mcp.list_authorizations(text, jsonb, text, integer);

-- Where a page of rows ends: the moment of its last row in microseconds, and its id. Internal.
create or replace function mcp_data.row_cursor(p_moment timestamptz, p_id text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return floor(extract(epoch from p_moment) * 1000000)::bigint || '.' || p_id;
end $$;

-- Who looks at one of our own pages, so that the page can say so; null for every caller of /api. Internal.
create or replace function mcp_data.viewer_email(p_caller jsonb, p_account_id uuid) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when p_caller->>'kind' = 'session'
    then (select a.email from mcp_data.accounts a where a.account_id = p_account_id) end;
end $$;

-- API keys that end within a week and of which nobody was told yet, a bounded number: each is taken once, its webhooks hear of it,
-- and its owner is to be told by mail.
-- outcomes: taken {keys}
create or replace function mcp.take_expiring_keys(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  k mcp_data.server_keys;
  v_keys jsonb := '[]';
begin
  for k in
    update mcp_data.server_keys x set expiry_told_at = now() where x.key_id = any(array(
      select y.key_id from mcp_data.server_keys y
      where y.expires_at < now() + interval '7 days' and y.expiry_told_at is null and y.revoked_at is null and y.expires_at > now()
      order by y.expires_at limit p_limit for update skip locked))
    returning x.*
  loop
    perform mcp_data.add_event('key.expiring', null, null, null, k.server_id, null, jsonb_build_object('key_id', k.key_id,
      'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint), null);
    v_keys := v_keys || jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'server_id', k.server_id,
      'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint,
      'notice', (select mcp_data.addressee(s.owner_account_id) from mcp_data.servers s where s.server_id = k.server_id)));
  end loop;
  return jsonb_build_object('outcome', 'taken', 'keys', v_keys);
end $$;
grant execute on function mcp.take_expiring_keys(integer) to mcp_worker;

-- Claims messages that are due, a bounded number, each for five minutes: whoever claims one and dies loses nothing.
-- outcomes: taken {messages}
create or replace function mcp.take_webhook_messages(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_messages jsonb;
begin
  with claimed as (
    update mcp_data.webhook_messages m set next_attempt_at = now() + interval '5 minutes', attempts = m.attempts + 1
    where m.message_id = any(array(
      select x.message_id from mcp_data.webhook_messages x where x.next_attempt_at <= now()
      order by x.next_attempt_at limit p_limit for update skip locked))
    returning m.message_id, m.webhook_id, m.payload)
  select coalesce(jsonb_agg(jsonb_build_object('message_id', c.message_id, 'webhook_id', c.webhook_id, 'url', w.url, 'kid', w.kid,
    'payload', c.payload)), '[]') into v_messages
  from claimed c join mcp_data.webhooks w on w.webhook_id = c.webhook_id;
  return jsonb_build_object('outcome', 'taken', 'messages', v_messages);
end $$;
grant execute on function mcp.take_webhook_messages(integer) to mcp_worker;

-- The API keys of a server, newest first, without secrets (J5). `p_before` is the `next` of the page before.
-- outcomes: found {keys, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_keys(p_server_id text, p_caller jsonb, p_before text default null, p_limit integer default 100)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_keys jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  if (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_key(x.k) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.k).created_at, (x.k).key_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_keys, v_next
  from (
    select y.k, row_number() over (order by (y.k).created_at desc, (y.k).key_id desc) as place, count(*) over () as count
    from (select k from mcp_data.server_keys k
      where k.server_id = p_server_id
        and (p_before is null or (k.created_at, k.key_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by k.created_at desc, k.key_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'keys', v_keys, 'next', v_next));
end $$;
grant execute on function mcp.list_keys(text, jsonb, text, integer) to mcp_worker;

-- The caller's servers, newest first (J24). `p_before` is the `next` of the page before; `viewer_email` is for our own pages.
-- outcomes: found {servers, next?, viewer_email?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_servers(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_servers jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server(x.s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.s).created_at, (x.s).server_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_servers, v_next
  from (
    select y.s, row_number() over (order by (y.s).created_at desc, (y.s).server_id desc) as place, count(*) over () as count
    from (select s from mcp_data.servers s
      where s.status <> 'deleted' and (s.owner_account_id = v_caller.account_id or s.server_id = v_caller.server_id)
        and (p_before is null or (s.created_at, s.server_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by s.created_at desc, s.server_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'servers', v_servers, 'next', v_next,
    'viewer_email', mcp_data.viewer_email(p_caller, v_caller.account_id)));
end $$;
grant execute on function mcp.list_servers(jsonb, text, integer) to mcp_worker;

-- The caller's personal tokens, newest first, without secrets (J5, J19). `p_before` is the `next` of the page before; `viewer_email`
-- is for our own pages.
-- outcomes: found {tokens, next?, viewer_email?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_personal_tokens(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_tokens jsonb;
  v_next text;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_personal_token(x.t) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.t).created_at, (x.t).token_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_tokens, v_next
  from (
    select y.t, row_number() over (order by (y.t).created_at desc, (y.t).token_id desc) as place, count(*) over () as count
    from (select t from mcp_data.personal_tokens t
      where t.account_id = v_owner.account_id
        and (p_before is null or (t.created_at, t.token_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by t.created_at desc, t.token_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'tokens', v_tokens, 'next', v_next,
    'viewer_email', mcp_data.viewer_email(p_caller, v_owner.account_id)));
end $$;
grant execute on function mcp.list_personal_tokens(jsonb, text, integer) to mcp_worker;

-- A server that waits for somebody to accept or decline it. Internal. `from_email` is the owner who offers; absent where a stranger
-- registered it in the person's name.
create or replace function mcp_data.describe_offer(s mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url,
    'server_name', s.server_name, 'status', s.status, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
    'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
    'from_email', (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id)));
end $$;

-- The servers that wait for this person to accept or decline them (J2), newest first. `p_before` is the `next` of the page before.
-- outcomes: found {offers, next?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_offers(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_offers jsonb;
  v_next text;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_offer(x.s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.s).created_at, (x.s).server_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_offers, v_next
  from (
    select y.s, row_number() over (order by (y.s).created_at desc, (y.s).server_id desc) as place, count(*) over () as count
    from (select s from mcp_data.servers s
      where (s.offered_to_user_id = v_owner.account_id::text or s.offered_to_email = v_owner.email)
        and mcp_data.offered_to(s, v_owner.account_id, v_owner.email)
        and (p_before is null or (s.created_at, s.server_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by s.created_at desc, s.server_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'offers', v_offers, 'next', v_next));
end $$;
grant execute on function mcp.list_offers(jsonb, text, integer) to mcp_worker;

-- One server (HTTP-API "Server management"; J3). All of it for who manages it, the public facts for everybody else.
-- `viewer_email` is for our own pages.
-- outcomes: found {server, public?, viewer_email?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.read_server(p_server_id text, p_caller jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
begin
  if p_caller is not null and p_caller <> 'null' then
    v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
    if s.server_id is not null then
      return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'server', mcp_data.describe_server(s),
        'viewer_email', mcp_data.viewer_email(p_caller, v_caller.account_id)));
    end if;
  end if;
  select * into s from mcp_data.servers where server_id = p_server_id and status <> 'deleted';
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'public', true, 'server', jsonb_build_object('server_id', s.server_id,
    'server_url', s.server_url, 'server_name', s.server_name, 'status', s.status,
    'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names)));
end $$;
grant execute on function mcp.read_server(text, jsonb) to mcp_worker;

-- The last authorizations at a server and how far each came (diagnosis): transactions of the last hour that led nowhere yet, and
-- connections. Newest first; `p_before` is the `next` of the page before. With `p_reference` only those which gave somebody that
-- reference: on a page, in an answer to a program, or with a token's last refusal.
-- outcomes: found {authorizations, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_authorizations(p_server_id text, p_caller jsonb, p_before text, p_limit integer,
  p_reference text default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  -- What the events of that reference are about.
  v_transactions text[];
  v_connections text[];
  v_found jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if p_reference is not null then
    select coalesce(array_agg(e.transaction_id) filter (where e.transaction_id is not null), '{}'),
      coalesce(array_agg(e.connection_id) filter (where e.connection_id is not null), '{}')
    into v_transactions, v_connections
    from (select * from mcp_data.audit_events x where x.server_id = p_server_id and x.request_id = p_reference limit 100) e;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_authorization(p_server_id, x.transaction_id, x.connection_id, x.started_at, x.client, x.state)
      order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor(x.started_at, x.id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_found, v_next
  from (
    select y.*, row_number() over (order by y.started_at desc, y.id desc) as place, count(*) over () as count
    from (
      (select t.transaction_id as id, t.transaction_id, null::text as connection_id, t.created_at as started_at, t.client,
        case when t.decision = 'denied' then 'denied' when t.expires_at <= now() then 'abandoned'
          when t.account_id is not null then 'signed_in' else 'waiting' end as state
      from mcp_data.transactions t
      where t.server_id = p_server_id and t.decision is distinct from 'approved'
        and (p_reference is null or t.transaction_id = any(v_transactions))
        and (p_before is null or (t.created_at, t.transaction_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by t.created_at desc, t.transaction_id desc limit p_limit + 1)
      union all
      (select c.connection_id, c.transaction_id, c.connection_id, c.created_at, c.client,
        case when c.revoked_at is not null then 'ended' when c.suspended_at is not null then 'suspended'
          when c.code_redeemed_at is not null then 'connected' when c.code_expires_at <= now() then 'code_not_redeemed' else 'approved' end
      from mcp_data.connections c
      where c.server_id = p_server_id
        and (p_reference is null or c.refused_request_id = p_reference or c.connection_id = any(v_connections)
          or c.transaction_id = any(v_transactions))
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1)
      order by started_at desc, id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'authorizations', v_found, 'next', v_next));
end $$;
grant execute on function mcp.list_authorizations(text, jsonb, text, integer, text) to mcp_worker;

-- Who is connected to a server, newest first (HTTP-API "Server management"; J26). `p_before` is the `next` of the page before.
-- outcomes: found {connections, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_server_connections(p_server_id text, p_caller jsonb, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
  v_connections jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server_connection(x.c, s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.c).created_at, (x.c).connection_id))
      filter (where x.place = p_limit and x.count > p_limit)
  into v_connections, v_next
  from (
    select y.c, row_number() over (order by (y.c).created_at desc, (y.c).connection_id desc) as place, count(*) over () as count
    from (select c from mcp_data.connections c cross join mcp_data.settings e
      where c.server_id = p_server_id and c.revoked_at is null and c.issuer_epoch = e.issuer_epoch and c.code_redeemed_at is not null
        and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'connections', v_connections, 'next', v_next));
end $$;
grant execute on function mcp.list_server_connections(text, jsonb, text, integer) to mcp_worker;

-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is. The two are
-- counted apart, so that nobody keeps others from it by asking. Whoever holds the URL learns of each claimant, once.
-- outcomes: due {server_url} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_holder mcp_data.servers;
  s mcp_data.servers;
begin
  if p_server_id is not null then
    v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  else
    select * into s from mcp_data.servers v where v.server_url = p_server_url and v.status = 'pending' limit 1;
  end if;
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  -- A holder whose proof fails may show that it is mended before the next look.
  elsif s.status = 'verified' and s.proof_failing_since is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  elsif s.status = 'suspended' and coalesce(s.suspended_reason, '') not in ('taken_over', 'proof_failing') then
    return jsonb_build_object('outcome', 'suspended');
  end if;
  v_wait := mcp_data.take_limit('server_proof', coalesce(p_server_id, p_server_url), array[60], array[1]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds', v_wait);
  end if;
  -- In one order, as whoever finishes takes them.
  perform from mcp_data.servers v where v.server_url = s.server_url and v.status in ('pending', 'suspended')
    and (p_server_id is null or v.server_id = p_server_id) order by v.server_id for update;
  if p_server_id is not null and s.status <> 'verified' and s.verification_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  update mcp_data.servers v set verification_begun_at = now()
  where v.server_url = s.server_url and (v.status in ('pending', 'suspended') or v.server_id = p_server_id)
    and (p_server_id is null or v.server_id = p_server_id);
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands.
-- Both are told: by events, and by mail where an account owns them.
-- outcomes: verified {server} · taken_over {server, from, owner?, former_owner?} ·
--   holder_stands · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_proof jsonb default null, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_holder mcp_data.servers;
  v_named text[] := mcp_data.text_array(p_proof->'named');
begin
  -- All claimants of a URL, in one order: two that finish at once wait for each other.
  perform from mcp_data.servers v where v.server_url = p_server_url and v.status <> 'deleted' order by v.server_id for update;
  select * into s from mcp_data.servers v where (v.server_id = p_server_id or p_server_id is null) and v.server_url = p_server_url
    and (v.status in ('pending', 'verified') or (v.status = 'suspended' and v.suspended_reason in ('taken_over', 'proof_failing')))
    -- An authorization names no registration: any that the proof names and that waits.
    and (p_server_id is not null or (v.status = 'pending' and v.server_id = any(v_named)))
  order by v.created_at limit 1;
  if not found or s.verification_begun_at is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    update mcp_data.servers v set proof_method = coalesce(p_proof->>'method', v.proof_method), proof_checked_at = now(),
      proof_failing_since = null, proof_seen = left(p_proof->>'seen', 2000)
    where v.server_id = s.server_id and v.proof_failing_since is not null;
    select * into s from mcp_data.servers v where v.server_id = s.server_id;
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  if v_holder.verified_at >= s.verification_begun_at or v_holder.server_id = any(v_named) then
    return jsonb_build_object('outcome', 'holder_stands');
  end if;
  if v_holder.server_id is not null then
    perform mcp_data.suspend_server(v_holder, 'taken_over', jsonb_build_object('by', s.server_id), p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null,
    proof_method = coalesce(p_proof->>'method', 'document'), proof_checked_at = now(), proof_failing_since = null,
    proof_seen = left(p_proof->>'seen', 2000)
  where v.server_id = s.server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then s.proof_method else 'taken_over' end,
    s.owner_account_id, null, s.server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  if v_holder.server_id is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'taken_over', 'server', mcp_data.describe_server(s),
    'from', v_holder.server_id,
    'owner', mcp_data.addressee(s.owner_account_id), 'former_owner', mcp_data.addressee(v_holder.owner_account_id)));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127130000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
