-- Operations: a role and one door for operators, switches, and the book of the Worker's keys (SECURITY §6, §27, §28; M12).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);

-- Roles belong to the cluster, so another database may have made it before.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'mcp_operator') then
    create role mcp_operator nologin noinherit;
  end if;
end $$;
alter role mcp_operator set statement_timeout = '30s';
alter role mcp_operator set lock_timeout = '5s';

-- Whoever migrates acts as operator too. authenticator may, for a JWT with that role; service_role never becomes mcp_operator: the Worker
-- may hold its key.
do $$
begin
  if not pg_catalog.pg_has_role(current_user, 'mcp_operator', 'usage') then
    execute pg_catalog.format('grant mcp_operator to %I', current_user);
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    grant mcp_operator to authenticator;
  end if;
end $$;

set role mcp_owner;
grant usage on schema mcp to mcp_operator;

alter table mcp_data.settings
  add column registration_is_on boolean not null default true,
  add column email_sign_in_is_on boolean not null default true,
  add column documents_are_on boolean not null default true;

-- What is known of the Worker's keys: their names and moments, never a key. It says when an old one may go (SECURITY §6).
create table mcp_data.worker_keys (
  kind text not null constraint worker_keys_kind_is_known
    check (kind in ('token_peppers', 'cookie_keys', 'signing_keys', 'registration_keys')),
  kid text not null constraint worker_keys_kid_is_short check (length(kid) between 1 and 64),
  added_at timestamptz not null default now(),
  -- Absent: published, and not in use yet.
  used_since timestamptz,
  dropped_at timestamptz,
  constraint worker_keys_pkey primary key (kind, kid)
);
alter table mcp_data.worker_keys enable row level security;
alter table mcp_data.worker_keys force row level security;
create policy owner_only on mcp_data.worker_keys to mcp_owner using (true) with check (true);

-- Operators keep the log, the Worker only writes it.
revoke execute on function mcp.export_events(timestamptz, timestamptz, text, integer) from mcp_worker;
grant execute on function mcp.export_events(timestamptz, timestamptz, text, integer) to mcp_operator;

-- What is wrong with roles, grants and tables (SECURITY §27), as sentences; empty where nothing is. Internal.
create or replace function mcp_data.database_findings() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(f.finding order by f.finding), '[]') from (
    select format('role %s does not exist', x.name) as finding from unnest(array['mcp_owner', 'mcp_worker', 'mcp_operator']) x (name)
    where not exists (select from pg_roles r where r.rolname = x.name)
    union all select format('role %s may log in, or bypasses row level security', r.rolname) from pg_roles r
    where r.rolname in ('mcp_owner', 'mcp_worker', 'mcp_operator') and (r.rolcanlogin or r.rolsuper or r.rolbypassrls)
    union all select 'role mcp_worker has no statement_timeout' from pg_roles r
    where r.rolname = 'mcp_worker' and not coalesce(array_to_string(r.rolconfig, ','), '') like '%statement_timeout=%'
    union all select format('role authenticator cannot act as %s', x.name) from unnest(array['mcp_worker', 'mcp_operator']) x (name)
    join pg_roles r on r.rolname = 'authenticator' where not pg_has_role('authenticator', x.name, 'member')
    union all select format('role %s can act as mcp_operator', r.rolname) from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'mcp_worker') and pg_has_role(r.oid, 'mcp_operator', 'member')
    union all select format('role %s may use schema mcp_data', r.rolname) from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'mcp_worker', 'mcp_operator')
      and has_schema_privilege(r.oid, 'mcp_data', 'usage')
    union all select format('role %s may execute %s', r.rolname, p.oid::regprocedure) from pg_roles r cross join pg_proc p
    where r.rolname in ('anon', 'authenticated') and p.pronamespace in ('mcp'::regnamespace, 'mcp_data'::regnamespace)
      and has_function_privilege(r.oid, p.oid, 'execute')
    union all select format('table %s has no forced row level security', c.oid::regclass) from pg_class c
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
      and not c.relispartition
    union all select 'no partition for the audit events of next month: the scheduled clean-up does not run'
    where to_regclass(format('mcp_data.audit_events_%s', to_char(now() + interval '1 month', 'YYYY_MM'))) is null
  ) f);
end $$;

-- Deletes a person's account after a fresh sign-in (J22, M18): connections and sessions go with it, servers it owns end as if deleted
-- one by one. What stays is in the audit log, under the account's id and without the e-mail.
-- outcomes: deleted {email, language?} · not_fresh · sign_in
create or replace function mcp.delete_own_account(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  a mcp_data.accounts;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  a := mcp_data.end_account(v_person.account_id, null, p_request);
  if a.account_id is null then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'deleted', 'email', a.email, 'language', a.language));
end $$;
grant execute on function mcp.delete_own_account(bytea[], integer, integer, jsonb) to mcp_worker;

-- Everything that is kept about a person: account, servers, sessions, connections, and the newest 5000 events. Internal. The session is
-- the one that asks; null for an operator.
create or replace function mcp_data.describe_account(p_account_id uuid, p_session_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  a mcp_data.accounts;
begin
  select * into a from mcp_data.accounts x where x.account_id = p_account_id;
  return jsonb_build_object(
    'account', jsonb_strip_nulls(jsonb_build_object('account_id', a.account_id, 'email', a.email, 'name', a.name, 'language', a.language,
      'created_at', a.created_at, 'email_verified_at', a.email_verified_at)),
    'servers', (select coalesce(jsonb_agg(mcp_data.describe_server(s) order by s.created_at), '[]') from mcp_data.servers s
      where s.owner_account_id = a.account_id and s.status <> 'deleted'),
    'sessions', (select coalesce(jsonb_agg(mcp_data.describe_session(s, p_session_id) || jsonb_build_object('ip', s.ip, 'ended_at', s.ended_at)
      order by s.created_at), '[]') from mcp_data.sessions s where s.account_id = a.account_id),
    'connections', (select coalesce(jsonb_agg(mcp_data.describe_own_connection(c)
      || jsonb_build_object('revoked_at', c.revoked_at, 'revoked_reason', c.revoked_reason) order by c.created_at), '[]')
      from mcp_data.connections c where c.account_id = a.account_id),
    'events', (select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by (x.e).occurred_at), '[]')
      from (select e from mcp_data.audit_events e where e.account_id = a.account_id order by e.occurred_at desc limit 5000) x));
end $$;

-- Every function of ours by its name and arguments, with a fingerprint of all that makes it what it is: text, owner's rights, settings,
-- and who may execute it beside its owner. Internal. What differs from the release was changed by hand.
create or replace function mcp_data.describe_functions() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_object_agg(n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    left(encode(sha256(convert_to(concat_ws(chr(10), p.prosrc, p.prosecdef, p.provolatile, array_to_string(p.proconfig, ','),
      (select string_agg(coalesce(r.rolname, 'PUBLIC'), ',' order by r.rolname)
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
        where a.grantee <> p.proowner)), 'UTF8')), 'hex'), 16))
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('mcp', 'mcp_data'));
end $$;

-- Deletes an account (J22, M18): connections and sessions go with it, servers it owns end as if deleted one by one. Internal. Gives the
-- row that was there; an empty one: there is none any more.
create or replace function mcp_data.end_account(p_account_id uuid, p_reason text, p_request jsonb) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
  v_server_id text;
begin
  -- Locked as a sign-in and a consent lock them: transaction, session, account. Whoever comes second finds no account any more.
  perform from mcp_data.transactions t where t.account_id = p_account_id order by t.transaction_id for update;
  perform from mcp_data.sessions s where s.account_id = p_account_id order by s.session_id for update;
  select * into a from mcp_data.accounts x where x.account_id = p_account_id for update;
  if not found then
    return null;
  end if;
  for v_server_id in select s.server_id from mcp_data.servers s where s.owner_account_id = a.account_id and s.status <> 'deleted' order by 1 loop
    perform mcp_data.end_server(v_server_id, a.account_id, p_request);
  end loop;
  perform mcp_data.end_connections(a.account_id, null, 'all', 'account_deleted', p_request);
  delete from mcp_data.accounts x where x.account_id = a.account_id;
  perform mcp_data.add_event('account.deleted', p_reason, a.account_id, null, null, null, null, p_request);
  return a;
end $$;

-- Everything that is kept about a person, for the person: account, servers, sessions, connections, and the newest 5000 events.
-- outcomes: exported {account, servers, sessions, connections, events} · sign_in
create or replace function mcp.export_own_account(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_build_object('outcome', 'exported') || mcp_data.describe_account(v_person.account_id, v_person.session_id);
end $$;
grant execute on function mcp.export_own_account(bytea[], integer) to mcp_worker;

-- The account that an operator names by its id or its e-mail, locked; else an empty row. Internal.
create or replace function mcp_data.find_account(p_user text) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
begin
  select * into a from mcp_data.accounts x where x.account_id::text = lower(p_user) or x.email = lower(p_user) for update;
  return a;
end $$;

-- The server that an operator names by its id, or by its URL where one registration alone has it, locked; else an empty row. Internal.
create or replace function mcp_data.find_server(p_server text) returns mcp_data.servers
language plpgsql set search_path = '' as $$
declare
  v_ids text[] := array(select x.server_id from mcp_data.servers x where x.status <> 'deleted' and p_server in (x.server_id, x.server_url));
  s mcp_data.servers;
begin
  if cardinality(v_ids) = 1 then
    select * into s from mcp_data.servers x where x.server_id = v_ids[1] and x.status <> 'deleted' for update;
  end if;
  return s;
end $$;

-- Why one of the Worker's keys may not go; null where it may. Internal. The newest one in use stays whatever is asked, and so does every
-- registration key (SECURITY §5), unless it has to go now. A pepper goes when nothing alive was digested under it; a signing key when
-- what it signed has expired; a cookie key a day after its successor came, when no open page holds its form tokens any more.
create or replace function mcp_data.key_drop_refusal(p_kind text, p_kid text, p_present text[], p_wait_seconds integer, p_now boolean)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_newest text;
  v_since timestamptz;
  v_wait interval := case p_kind when 'signing_keys' then make_interval(secs => p_wait_seconds) else interval '24 hours' end;
  v_uses jsonb;
begin
  if not p_kid = any(p_present) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select k.kid, w.used_since into v_newest, v_since from unnest(p_present) with ordinality as k (kid, place)
  join mcp_data.worker_keys w on w.kind = p_kind and w.kid = k.kid where w.used_since is not null order by k.place limit 1;
  if v_newest is null or v_newest = p_kid then
    return jsonb_build_object('outcome', 'in_use');
  elsif p_now then
    return null;
  elsif p_kind = 'registration_keys' then
    return jsonb_build_object('outcome', 'never');
  elsif p_kind = 'token_peppers' then
    v_uses := mcp_data.key_uses()->p_kid;
    return case when v_uses is not null then jsonb_build_object('outcome', 'still_needed', 'uses', v_uses) end;
  end if;
  return case when v_since > now() - v_wait then jsonb_build_object('outcome', 'too_early', 'at', v_since + v_wait) end;
end $$;

-- Why a published signing key may not sign yet; null where it may. Internal. Whoever checks signatures may keep the published set for a
-- day (SECURITY §6).
create or replace function mcp_data.key_use_refusal(p_kind text, p_kid text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  w mcp_data.worker_keys;
begin
  select * into w from mcp_data.worker_keys x where x.kind = p_kind and x.kid = p_kid and x.dropped_at is null;
  return case when not found then jsonb_build_object('outcome', 'not_found')
    when w.used_since is not null then jsonb_build_object('outcome', 'in_use')
    when w.added_at > now() - interval '24 hours' then
      jsonb_build_object('outcome', 'too_early', 'at', w.added_at + interval '24 hours') end;
end $$;

-- What is alive under each pepper, by its kid and place: {kid: {place: {count, until?}}}. Internal. `until` is when the last of it expires
-- by itself; what has none must be replaced by its holder.
create or replace function mcp_data.key_uses() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_object_agg(g.kid, g.places), '{}') from (
    select u.kid, jsonb_object_agg(u.place, jsonb_strip_nulls(jsonb_build_object('count', u.count, 'until', u.until))) as places from (
      select x.kid, x.place, count(*), case when count(*) = count(x.until) then max(x.until) end as until from (
        select k.key_kid as kid, 'api_keys' as place, k.expires_at as until from mcp_data.server_keys k
        where k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
        union all select m.token_kid, 'management_tokens', null from mcp_data.management_tokens m where m.revoked_at is null
        union all select p.token_kid, 'personal_tokens', p.expires_at from mcp_data.personal_tokens p
        where p.revoked_at is null and p.expires_at > now()
        union all select s.session_kid, 'sessions', s.expires_at from mcp_data.sessions s where s.ended_at is null and s.expires_at > now()
        union all select c.refresh_kid, 'refresh_tokens', least(c.refresh_idle_expires_at, c.refresh_expires_at) from mcp_data.connections c
        where c.refresh_kid is not null and c.revoked_at is null and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
        union all select c.code_kid, 'codes', c.code_expires_at from mcp_data.connections c
        where c.code_redeemed_at is null and c.code_expires_at > now()
        union all select t.browser_kid, 'transactions', t.expires_at from mcp_data.transactions t where t.expires_at > now()
        union all select w.kid, 'webhooks', null from mcp_data.webhooks w
      ) x group by x.kid, x.place
    ) u group by u.kid
  ) g);
end $$;

-- Registers a client by hand (HTTP-API "Client registration"): a public one, whose redirects the caller has checked. Internal.
-- outcomes: added {client} · exists
create or replace function mcp_data.operate_add_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  c mcp_data.clients;
begin
  insert into mcp_data.clients (client_id, client_name, redirect_uris, client_uri)
  values (p_arguments->>'client_id', p_arguments->>'client_name', mcp_data.text_array(p_arguments->'redirect_uris'), p_arguments->>'client_uri')
  on conflict (client_id) do nothing returning * into c;
  if c.client_id is null then
    return jsonb_build_object('outcome', 'exists');
  end if;
  perform mcp_data.add_event('operator.client_added', null, null, c.client_id, null, null,
    jsonb_build_object('client_name', c.client_name, 'redirect_uris', c.redirect_uris), p_request);
  return jsonb_build_object('outcome', 'added', 'client', jsonb_strip_nulls(to_jsonb(c)));
end $$;

-- Blocks a client of any kind (M12): its next request of any sort is refused, its tokens are inactive. Internal. Nothing is revoked, so
-- that lifting the block brings everything back.
-- outcomes: blocked {connections} · already_blocked
create or replace function mcp_data.operate_block_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_client_id text := p_arguments->>'client_id';
  v_digest bytea := sha256(convert_to(p_arguments->>'client_id', 'UTF8'));
  v_count integer;
begin
  if exists (select from mcp_data.clients c where c.client_id = v_client_id and c.blocked_at is not null) then
    return jsonb_build_object('outcome', 'already_blocked');
  end if;
  insert into mcp_data.blocked_clients (client_id_digest, reason) values (v_digest, p_arguments->>'reason') on conflict do nothing;
  if not found then
    return jsonb_build_object('outcome', 'already_blocked');
  end if;
  select count(*) into v_count from mcp_data.connections c where c.client_id_digest = v_digest and c.revoked_at is null;
  perform mcp_data.add_event('operator.client_blocked', p_arguments->>'reason', null, v_client_id, null, null,
    jsonb_build_object('connections', v_count), p_request);
  return jsonb_build_object('outcome', 'blocked', 'connections', v_count);
end $$;

-- Notes one step in the life of one of the Worker's keys, and refuses one that would come too early (SECURITY §6). The keys themselves
-- are never here. `present` names those that the Worker has, newest first, `published` those of them that do not sign yet. `add`: a new
-- one, in use at once, or published alone where it signs and is not wanted `now`. `use`: a published key signs from now on. `drop`: an
-- old one goes; with `now` before its time. Internal.
-- outcomes: noted {kind, kid, step} · too_many · exists · too_early {at} · still_needed {uses} · in_use · never · not_found · unknown_step
create or replace function mcp_data.operate_change_keys(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_kind text := p_arguments->>'kind';
  v_kid text := p_arguments->>'kid';
  v_step text := p_arguments->>'step';
  v_present text[] := mcp_data.text_array(p_arguments->'present');
  v_refusal jsonb;
begin
  perform pg_advisory_xact_lock(hashtext('mcp_data.worker_keys'));
  -- What the Worker has had before anybody kept book: as if it had come now, so that no wait is too short.
  insert into mcp_data.worker_keys as w (kind, kid, used_since)
  select v_kind, k, case when not k = any(mcp_data.text_array(p_arguments->'published')) then now() end from unnest(v_present) k
  on conflict (kind, kid) do update set dropped_at = null where w.dropped_at is not null;
  v_refusal := case v_step
    when 'add' then case
      when exists (select from mcp_data.worker_keys w where w.kind = v_kind and w.kid = v_kid) then jsonb_build_object('outcome', 'exists')
      when v_kind in ('token_peppers', 'cookie_keys') and cardinality(v_present) > 1 then jsonb_build_object('outcome', 'too_many') end
    when 'use' then mcp_data.key_use_refusal(v_kind, v_kid)
    when 'drop' then mcp_data.key_drop_refusal(v_kind, v_kid, v_present, coalesce((p_arguments->>'wait_seconds')::integer, 3600),
      coalesce(p_arguments->>'when', '') = 'now')
    else jsonb_build_object('outcome', 'unknown_step') end;
  if v_refusal is not null then
    return v_refusal;
  end if;
  insert into mcp_data.worker_keys as w (kind, kid, used_since) values (v_kind, v_kid, case when v_kind <> 'signing_keys' or p_arguments->>'when' = 'now' then now() end)
  on conflict (kind, kid) do update set used_since = case when v_step = 'use' then now() else w.used_since end,
    dropped_at = case when v_step = 'drop' then now() end;
  perform mcp_data.add_event(case v_step when 'add' then 'operator.key_added' when 'use' then 'operator.key_used' else 'operator.key_dropped' end,
    p_arguments->>'reason', null, null, null, null, jsonb_strip_nulls(jsonb_build_object('kind', v_kind, 'kid', v_kid,
    'when', p_arguments->>'when')), p_request);
  return jsonb_build_object('outcome', 'noted', 'kind', v_kind, 'kid', v_kid, 'step', v_step);
end $$;

-- Deletes an account for good, as its owner could (M18). Internal.
-- outcomes: deleted {account_id, servers, connections} · not_found
create or replace function mcp_data.operate_delete_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
  v_account_id uuid := (select x.account_id from mcp_data.accounts x
    where x.account_id::text = lower(p_arguments->>'user') or x.email = lower(p_arguments->>'user'));
  v_servers integer := (select count(*) from mcp_data.servers s where s.owner_account_id = v_account_id and s.status <> 'deleted');
  v_connections integer := (select count(*) from mcp_data.live_connections(v_account_id));
begin
  -- Locks in its own order, so it is not locked here.
  a := mcp_data.end_account(v_account_id, coalesce(p_arguments->>'reason', 'operator'), p_request);
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'deleted', 'account_id', a.account_id, 'servers', v_servers, 'connections', v_connections);
end $$;

-- Disables an account (M12): its sessions end, its connections and tokens are dead for as long as it is disabled. Internal.
-- outcomes: disabled {account_id, sessions, connections} · already_disabled · not_found
create or replace function mcp_data.operate_disable_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
  v_sessions integer;
  v_connections integer;
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.disabled_at is not null then
    return jsonb_build_object('outcome', 'already_disabled');
  end if;
  update mcp_data.accounts x set disabled_at = now(), disabled_reason = p_arguments->>'reason' where x.account_id = a.account_id;
  update mcp_data.sessions s set ended_at = now() where s.account_id = a.account_id and s.ended_at is null and s.expires_at > now();
  get diagnostics v_sessions = row_count;
  select count(*) into v_connections from mcp_data.live_connections(a.account_id);
  perform mcp_data.add_event('account.disabled', p_arguments->>'reason', a.account_id, null, null, null,
    jsonb_build_object('sessions', v_sessions, 'connections', v_connections), p_request);
  return jsonb_build_object('outcome', 'disabled', 'account_id', a.account_id, 'sessions', v_sessions, 'connections', v_connections);
end $$;

-- Enables an account again: its connections work as before; it signs in anew. Internal.
-- outcomes: enabled {account_id} · not_disabled · not_found
create or replace function mcp_data.operate_enable_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.disabled_at is null then
    return jsonb_build_object('outcome', 'not_disabled');
  end if;
  update mcp_data.accounts x set disabled_at = null, disabled_reason = null where x.account_id = a.account_id;
  perform mcp_data.add_event('account.enabled', p_arguments->>'reason', a.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'enabled', 'account_id', a.account_id);
end $$;

-- Everything that is kept about a person, for an operator who was asked for it; leaves an event that the person sees. Internal.
-- outcomes: exported {account, servers, sessions, connections, events} · not_found
create or replace function mcp_data.operate_export_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('account.exported', p_arguments->>'reason', a.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'exported') || mcp_data.describe_account(a.account_id, null);
end $$;

-- The clients that have a row: pre-registered ones, and the ids of others that are blocked, as SHA-256. Internal.
-- outcomes: listed {clients, blocked}
create or replace function mcp_data.operate_list_clients() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('outcome', 'listed',
    'clients', (select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(c) || jsonb_build_object('blocked_at',
      coalesce(c.blocked_at, b.blocked_at), 'blocked_reason', coalesce(c.blocked_reason, b.reason))) order by c.client_id), '[]')
      from mcp_data.clients c left join mcp_data.blocked_clients b on b.client_id_digest = sha256(convert_to(c.client_id, 'UTF8'))),
    'blocked', (select coalesce(jsonb_agg(jsonb_build_object('client_id_digest', encode(b.client_id_digest, 'hex'), 'reason', b.reason,
      'blocked_at', b.blocked_at) order by b.blocked_at), '[]') from mcp_data.blocked_clients b));
end $$;

-- Ends every connection and personal token at once by raising the issuer epoch (SECURITY §6, M5). Cannot be undone. Internal. One event
-- says it for all: their number is not bounded.
-- outcomes: raised {issuer_epoch, connections}
create or replace function mcp_data.operate_raise_epoch(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_epoch integer;
  v_connections integer;
begin
  update mcp_data.settings x set issuer_epoch = x.issuer_epoch + 1 returning x.issuer_epoch into v_epoch;
  select count(*) into v_connections from mcp_data.connections c
  where c.revoked_at is null and c.issuer_epoch = v_epoch - 1 and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now();
  perform mcp_data.add_event('operator.epoch_raised', p_arguments->>'reason', null, null, null, null,
    jsonb_build_object('issuer_epoch', v_epoch, 'connections', v_connections), p_request);
  return jsonb_build_object('outcome', 'raised', 'issuer_epoch', v_epoch, 'connections', v_connections);
end $$;

-- The state of this deployment as its operator sees it. Internal.
-- outcomes: read {schema_version, issuer_epoch, switches, now, postgres, worker_keys, key_uses, functions, findings, counts}
create or replace function mcp_data.operate_read_state() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'read', 'schema_version', e.schema_version, 'issuer_epoch', e.issuer_epoch,
    'switches', jsonb_build_object('registration', e.registration_is_on, 'email_sign_in', e.email_sign_in_is_on, 'documents', e.documents_are_on),
    'now', clock_timestamp(), 'postgres', current_setting('server_version_num')::integer,
    'worker_keys', (select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(w)) order by w.kind, w.added_at desc), '[]') from mcp_data.worker_keys w),
    'key_uses', mcp_data.key_uses(), 'functions', mcp_data.describe_functions(), 'findings', mcp_data.database_findings(),
    'counts', jsonb_build_object('accounts', (select count(*) from mcp_data.accounts),
      'servers', (select count(*) from mcp_data.servers s where s.status = 'verified'),
      'connections', (select count(*) from mcp_data.connections c where c.revoked_at is null and c.issuer_epoch = e.issuer_epoch
        and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now())))
    from mcp_data.settings e);
end $$;

-- Lets a suspended server prove its URL again; what the suspension ended stays ended. Internal.
-- outcomes: resumed {server} · not_suspended · not_found
create or replace function mcp_data.operate_resume_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status <> 'suspended' then
    return jsonb_build_object('outcome', 'not_suspended');
  end if;
  update mcp_data.servers x set status = 'pending', suspended_at = null, suspended_reason = null, proof_failing_since = null
  where x.server_id = s.server_id;
  perform mcp_data.add_event('operator.server_resumed', p_arguments->>'reason', null, null, s.server_id, null, null, p_request);
  return jsonb_build_object('outcome', 'resumed', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)));
end $$;

-- Suspends a server (M12): its keys and connections end at once, and its owner cannot undo it by a new proof. Internal.
-- outcomes: suspended {server, keys, connections} · already_suspended · not_found
create or replace function mcp_data.operate_suspend_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
  v_keys integer;
  v_connections integer;
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'suspended' and s.suspended_reason = 'operator' then
    return jsonb_build_object('outcome', 'already_suspended');
  end if;
  select count(*) into v_keys from mcp_data.server_keys k where k.server_id = s.server_id and k.revoked_at is null;
  select count(*) into v_connections from mcp_data.connections c where c.server_id = s.server_id and c.revoked_at is null;
  perform mcp_data.suspend_server(s, 'operator', jsonb_build_object('why', p_arguments->>'reason'), p_request);
  return jsonb_build_object('outcome', 'suspended', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)),
    'keys', v_keys, 'connections', v_connections);
end $$;

-- Gives a server to an account (J24), as accepting an offer does: its management tokens and webhooks end; its API keys where `keys` is
-- `revoke`. Internal.
-- outcomes: transferred {server, from?} · own_account · no_account · account_disabled · not_found
create or replace function mcp_data.operate_transfer_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.account_id is null then
    return jsonb_build_object('outcome', 'no_account');
  elsif a.disabled_at is not null then
    return jsonb_build_object('outcome', 'account_disabled');
  elsif s.owner_account_id = a.account_id then
    return jsonb_build_object('outcome', 'own_account');
  end if;
  update mcp_data.servers x set owner_account_id = a.account_id, offered_to_user_id = null, offered_to_email = null
  where x.server_id = s.server_id;
  update mcp_data.management_tokens set revoked_at = now() where server_id = s.server_id and revoked_at is null;
  -- They would tell the former owner what happens here.
  delete from mcp_data.webhooks where server_id = s.server_id;
  if p_arguments->>'keys' = 'revoke' then
    update mcp_data.server_keys set revoked_at = now() where server_id = s.server_id and revoked_at is null;
  end if;
  perform mcp_data.add_event('server.transferred', p_arguments->>'reason', a.account_id, null, s.server_id, null,
    jsonb_strip_nulls(jsonb_build_object('keys_revoked', coalesce(p_arguments->>'keys' = 'revoke', false), 'former_account_id', s.owner_account_id)), p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'transferred', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)),
    'from', s.owner_account_id));
end $$;

-- Turns one of the switches (M12): `registration`, `email_sign_in`, `documents`. Internal.
-- outcomes: turned {switch, state} · unchanged {switch, state} · unknown_switch
create or replace function mcp_data.operate_turn_switch(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_switch text := p_arguments->>'switch';
  v_is_on boolean := p_arguments->>'state' = 'on';
  e mcp_data.settings;
begin
  select * into e from mcp_data.settings for update;
  if v_switch is null or v_switch not in ('registration', 'email_sign_in', 'documents') or v_is_on is null then
    return jsonb_build_object('outcome', 'unknown_switch');
  elsif v_is_on = (case v_switch when 'registration' then e.registration_is_on when 'email_sign_in' then e.email_sign_in_is_on
    else e.documents_are_on end) then
    return jsonb_build_object('outcome', 'unchanged', 'switch', v_switch, 'state', p_arguments->>'state');
  end if;
  update mcp_data.settings x set
    registration_is_on = case when v_switch = 'registration' then v_is_on else x.registration_is_on end,
    email_sign_in_is_on = case when v_switch = 'email_sign_in' then v_is_on else x.email_sign_in_is_on end,
    documents_are_on = case when v_switch = 'documents' then v_is_on else x.documents_are_on end;
  perform mcp_data.add_event('operator.switch_turned', p_arguments->>'reason', null, null, null, null,
    jsonb_build_object('switch', v_switch, 'state', p_arguments->>'state'), p_request);
  return jsonb_build_object('outcome', 'turned', 'switch', v_switch, 'state', p_arguments->>'state');
end $$;

-- Lifts the block of a client: what it had works again. Internal.
-- outcomes: unblocked · not_blocked
create or replace function mcp_data.operate_unblock_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_client_id text := p_arguments->>'client_id';
  v_rows integer;
  v_count integer;
begin
  delete from mcp_data.blocked_clients b where b.client_id_digest = sha256(convert_to(v_client_id, 'UTF8'));
  get diagnostics v_rows = row_count;
  update mcp_data.clients c set blocked_at = null, blocked_reason = null where c.client_id = v_client_id and c.blocked_at is not null;
  get diagnostics v_count = row_count;
  if v_rows + v_count = 0 then
    return jsonb_build_object('outcome', 'not_blocked');
  end if;
  perform mcp_data.add_event('operator.client_unblocked', p_arguments->>'reason', null, v_client_id, null, null, null, p_request);
  return jsonb_build_object('outcome', 'unblocked');
end $$;

-- The one door for operators: runs a command, or (`p_mode` = `try`) says what it would answer and leaves nothing behind. Every change
-- writes its event in the same transaction (SECURITY §28). `p_request` names who operates.
-- outcomes: those of the command, with `tried` where nothing was kept · unknown_command · unknown_mode
create or replace function mcp.operate(p_command text, p_arguments jsonb, p_mode text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_answer jsonb;
begin
  if p_mode is null or p_mode not in ('do', 'try') then
    return jsonb_build_object('outcome', 'unknown_mode');
  end if;
  v_answer := case p_command
    when 'read_state' then mcp_data.operate_read_state()
    when 'change_keys' then mcp_data.operate_change_keys(p_arguments, p_request)
    when 'list_clients' then mcp_data.operate_list_clients()
    when 'add_client' then mcp_data.operate_add_client(p_arguments, p_request)
    when 'block_client' then mcp_data.operate_block_client(p_arguments, p_request)
    when 'unblock_client' then mcp_data.operate_unblock_client(p_arguments, p_request)
    when 'suspend_server' then mcp_data.operate_suspend_server(p_arguments, p_request)
    when 'resume_server' then mcp_data.operate_resume_server(p_arguments, p_request)
    when 'transfer_server' then mcp_data.operate_transfer_server(p_arguments, p_request)
    when 'disable_user' then mcp_data.operate_disable_user(p_arguments, p_request)
    when 'enable_user' then mcp_data.operate_enable_user(p_arguments, p_request)
    when 'export_user' then mcp_data.operate_export_user(p_arguments, p_request)
    when 'delete_user' then mcp_data.operate_delete_user(p_arguments, p_request)
    when 'turn_switch' then mcp_data.operate_turn_switch(p_arguments, p_request)
    when 'raise_epoch' then mcp_data.operate_raise_epoch(p_arguments, p_request)
    else jsonb_build_object('outcome', 'unknown_command') end;
  -- What a variable holds outlives the savepoint that this block is; everything else in it does not.
  if p_mode = 'try' then
    raise exception 'tried' using errcode = 'MCPTR';
  end if;
  return v_answer;
exception when sqlstate 'MCPTR' then
  return v_answer || jsonb_build_object('tried', true);
end $$;
grant execute on function mcp.operate(text, jsonb, text, jsonb) to mcp_operator;

-- The switches that the Worker asks for (M12): e-mail sign-in is not among them, because the calls that decide about it look themselves.
-- outcomes: read {registration, documents}
create or replace function mcp.read_switches() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'read', 'registration', e.registration_is_on, 'documents', e.documents_are_on)
    from mcp_data.settings e);
end $$;
grant execute on function mcp.read_switches() to mcp_worker;

-- Stores a one-time code for a transaction before it is mailed (SECURITY §15, §16; C2, C18, C19, C20). The newest replaces the
-- older one; no account is made. A limit that is reached gives the same page and no mail.
-- outcomes: sent {email, expires_at_seconds, server_host?} · suppressed {email} · switched_off · transaction_gone {reason}
create or replace function mcp.send_email_code(p_transaction_id text, p_browser_digests bytea[], p_email text, p_code_digest bytea, p_kid text,
  p_limits jsonb, p_device jsonb default null, p_ip text default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  v_gone jsonb;
  v_limit text;
  v_account_id uuid := (select a.account_id from mcp_data.accounts a where a.email = p_email);
  v_device_id text := mcp_data.known_device(p_email, p_device);
  v_subject text := mcp_data.code_subject(p_email, v_device_id);
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  elsif not (select e.email_sign_in_is_on from mcp_data.settings e) then
    return jsonb_build_object('outcome', 'switched_off');
  end if;
  if p_ip is not null and p_limits->>'per_ip_hour' is not null
    and mcp_data.take_limit('code_ip', p_ip, array[3600], array[(p_limits->>'per_ip_hour')::integer]) > 0 then
    v_limit := 'per_ip_hour';
  elsif mcp_data.limit_is_reached('code_failed', v_subject, 86400, (p_limits->>'failures_per_account_day')::integer) then
    v_limit := 'failures_per_account_day';
  elsif mcp_data.take_limit('code_sent', v_subject, array[900, 86400],
    array[(p_limits->>'per_address_15_minutes')::integer, (p_limits->>'per_address_day')::integer]) > 0 then
    v_limit := 'per_address';
  end if;
  if v_limit is not null then
    perform mcp_data.add_event('limit.hit', v_limit, v_account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'suppressed', 'email', p_email);
  end if;
  insert into mcp_data.email_challenges as c (transaction_id, email, device_id, code_digest, code_kid, created_at, expires_at, attempts, attempts_allowed)
  values (p_transaction_id, p_email, v_device_id, p_code_digest, p_kid, now(),
    now() + make_interval(secs => (p_limits->>'code_seconds')::integer), 0, (p_limits->>'attempts')::integer)
  on conflict (transaction_id) do update set email = excluded.email, device_id = excluded.device_id, code_digest = excluded.code_digest,
    code_kid = excluded.code_kid, created_at = excluded.created_at, expires_at = excluded.expires_at,
    attempts = 0, attempts_allowed = excluded.attempts_allowed;
  perform mcp_data.add_event('code.sent', null, v_account_id, t.client_id, t.server_id, null, null, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'sent', 'email', p_email,
    'expires_at_seconds', floor(extract(epoch from now()))::bigint + (p_limits->>'code_seconds')::integer,
    'server_host', (select substring(s.server_origin from '//(.*)$') from mcp_data.servers s where s.server_id = t.server_id)));
end $$;
grant execute on function mcp.send_email_code(text, bytea[], text, bytea, text, jsonb, jsonb, text, jsonb) to mcp_worker;

-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before their time, also for another run that works beside. None while documents are
-- switched off: nobody's proof fails because nobody looked.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set proof_checked_at = now()
    where v.server_id = any(array(
      select x.server_id from mcp_data.servers x
      where x.status = 'verified' and x.proof_method <> 'loopback' and (select e.documents_are_on from mcp_data.settings e)
        and x.proof_checked_at < now() - case when x.proof_failing_since is null then interval '7 days' else interval '1 day' end
      order by x.proof_checked_at limit p_limit for update skip locked))
    returning v.server_id, v.server_url)
  select coalesce(jsonb_agg(jsonb_build_object('server_id', c.server_id, 'server_url', c.server_url)), '[]') into v_servers
  from claimed c;
  return jsonb_build_object('outcome', 'taken', 'servers', v_servers);
end $$;
grant execute on function mcp.take_proof_checks(integer) to mcp_worker;

-- Checks a one-time code and signs the person in (SECURITY §9, §15; B6, C1-C4, C11, C18). The attempt is counted before the
-- comparison, a right code is used up by it, the session of before ends, and the account is made only now.
-- outcomes: verified {account_id, email, auth_time_seconds, page?, devices_forgotten_at_seconds?} · wrong {attempts_left} · exhausted · expired · not_sent ·
--   limited · account_disabled · switched_off · transaction_gone {reason}
create or replace function mcp.verify_email_code(p_transaction_id text, p_browser_digests bytea[], p_code_digests bytea[],
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_limits jsonb,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  v_gone jsonb;
  v_account mcp_data.accounts;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  elsif not (select e.email_sign_in_is_on from mcp_data.settings e) then
    return jsonb_build_object('outcome', 'switched_off');
  end if;
  update mcp_data.email_challenges e set attempts = e.attempts + 1
  where e.transaction_id = p_transaction_id and e.expires_at > now() and e.attempts < e.attempts_allowed
    and not mcp_data.limit_is_reached('code_failed', mcp_data.code_subject(e.email, e.device_id), 86400, (p_limits->>'failures_per_account_day')::integer)
  returning * into c;
  if not found then
    select * into c from mcp_data.email_challenges where transaction_id = p_transaction_id;
    return jsonb_build_object('outcome', case when not found then 'not_sent' when c.expires_at <= now() then 'expired'
      when c.attempts >= c.attempts_allowed then 'exhausted' else 'limited' end);
  end if;
  if not coalesce(c.code_digest = any(p_code_digests), false) then
    perform mcp_data.take_limit('code_failed', mcp_data.code_subject(c.email, c.device_id), array[86400],
      array[(p_limits->>'failures_per_account_day')::integer]);
    perform mcp_data.add_event('code.failed', null, (select a.account_id from mcp_data.accounts a where a.email = c.email),
      t.client_id, t.server_id, null, null, p_request);
    if c.attempts >= c.attempts_allowed then
      return jsonb_build_object('outcome', 'exhausted');
    end if;
    return jsonb_build_object('outcome', 'wrong', 'attempts_left', c.attempts_allowed - c.attempts);
  end if;
  delete from mcp_data.email_challenges where transaction_id = p_transaction_id;
  v_account := mcp_data.account_of_verified_email(c.email);
  if v_account.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', v_account.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  perform mcp_data.begin_session(v_account.account_id, 'email_code', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', v_account.account_id, 'email', v_account.email,
    'auth_time_seconds', floor(extract(epoch from now()))::bigint, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from v_account.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.verify_email_code(text, bytea[], bytea[], bytea[], bytea, text, jsonb, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127110000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
