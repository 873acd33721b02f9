-- Of two tries to prove a server's URL that overlap, the one begun last decides (HTTP-API "Proof of server_url"; THREATS J8-J11).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- They take one argument more, which can be left out.
drop function mcp.finish_verification(text, text, jsonb, jsonb);
drop function mcp.record_proof_check(text, jsonb, text, jsonb);

-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is. The two are
-- counted apart, so that nobody keeps others from it by asking. Whoever holds the URL learns of each claimant, once. What is seen is
-- handed in with `begun_at`: a try that is begun after this one makes it count no more.
-- outcomes: due {server_url, begun_at} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_begun_at timestamptz;
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
  perform from mcp_data.servers v where v.server_url = s.server_url
    and case when p_server_id is null then v.status = 'pending' else v.server_id = p_server_id end order by v.server_id for update;
  -- Under the lock, and not when the transaction began: whoever is second here is the later one.
  v_begun_at := clock_timestamp();
  if p_server_id is not null and s.status <> 'verified' and s.verification_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  update mcp_data.servers v set verification_begun_at = v_begun_at
  where v.server_url = s.server_url
    and case when p_server_id is null then v.status = 'pending' else v.server_id = p_server_id end;
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url, 'begun_at', v_begun_at);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands. So it does
-- where its own way of proof is not among those that have answered (`looked`): nobody knows then that it fails.
-- Both are told: by events, and by mail where an account owns them. p_begun_at is what begin_verification has said; null from a Worker
-- that is too old to know it. Where a later try has begun, this document may be of before a change, and that try decides.
-- outcomes: verified {server} · taken_over {server, from, owner?, former_owner?} ·
--   holder_stands · superseded · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_proof jsonb default null, p_request jsonb default null,
  p_begun_at timestamptz default null) returns jsonb
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
  elsif p_begun_at < s.verification_begun_at then
    return jsonb_build_object('outcome', 'superseded');
  elsif s.status = 'verified' then
    update mcp_data.servers v set proof_method = coalesce(p_proof->>'method', v.proof_method), proof_checked_at = now(),
      proof_failing_since = null, proof_seen = left(p_proof->>'seen', 2000)
    where v.server_id = s.server_id and v.proof_failing_since is not null;
    select * into s from mcp_data.servers v where v.server_id = s.server_id;
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  -- Proven for the first time, or looked at again and found so.
  if greatest(v_holder.verified_at, case when v_holder.proof_failing_since is null then v_holder.proof_checked_at end) >= s.verification_begun_at
    or v_holder.server_id = any(v_named) then
    return jsonb_build_object('outcome', 'holder_stands');
  elsif v_holder.proof_method in ('document', 'dns') and p_proof ? 'looked' and not p_proof->'looked' ? v_holder.proof_method then
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
grant execute on function mcp.finish_verification(text, text, jsonb, jsonb, timestamptz) to mcp_worker;

-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before an hour has passed, also for another run that works beside: that is when one
-- comes again of which nobody could tell. None while documents are switched off: nobody's proof fails because nobody looked. A look is a
-- try like any other (begin_verification): the last one begun counts.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set verification_begun_at = clock_timestamp(),
      proof_checked_at = now() + interval '1 hour' - case when v.proof_failing_since is null then interval '7 days' else interval '1 day' end
    where v.server_id = any(array(
      select x.server_id from mcp_data.servers x
      where x.status = 'verified' and x.proof_method <> 'loopback' and (select e.documents_are_on from mcp_data.settings e)
        and x.proof_checked_at < now() - case when x.proof_failing_since is null then interval '7 days' else interval '1 day' end
      order by x.proof_checked_at limit p_limit for update skip locked))
    returning v.server_id, v.server_url, v.verification_begun_at)
  select coalesce(jsonb_agg(jsonb_build_object('server_id', c.server_id, 'server_url', c.server_url,
    'begun_at', c.verification_begun_at)), '[]') into v_servers
  from claimed c;
  return jsonb_build_object('outcome', 'taken', 'servers', v_servers);
end $$;
grant execute on function mcp.take_proof_checks(integer) to mcp_worker;

-- Keeps what a look at a server's proof has seen, word for word (SECURITY §23; J11). A proven server whose proof fails is told at the
-- first failure and suspended after 7 failing days; one that waits just keeps what was seen. `p_proof` null: it failed. p_begun_at as in
-- finish_verification: where a later try has begun, that one decides, and nothing is kept of this one.
-- outcomes: proven · failing {since_seconds?, notice?} · suspended {notice?} · superseded · not_found
create or replace function mcp.record_proof_check(p_server_id text, p_proof jsonb, p_seen text, p_request jsonb default null,
  p_begun_at timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_is_first boolean;
begin
  select * into s from mcp_data.servers v where v.server_id = p_server_id and v.status <> 'deleted' for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_begun_at < s.verification_begun_at then
    return jsonb_build_object('outcome', 'superseded');
  elsif p_proof is not null and p_proof <> 'null' then
    update mcp_data.servers v set proof_checked_at = now(), proof_failing_since = null, proof_method = p_proof->>'method',
      proof_seen = left(p_seen, 2000) where v.server_id = p_server_id;
    return jsonb_build_object('outcome', 'proven');
  end if;
  v_is_first := s.status = 'verified' and s.proof_failing_since is null;
  update mcp_data.servers v set proof_checked_at = now(), proof_seen = left(p_seen, 2000),
    proof_failing_since = case when v.status = 'verified' then coalesce(v.proof_failing_since, now()) end
  where v.server_id = p_server_id returning * into s;
  perform mcp_data.add_event('document.fetch_failed', 'server_proof_failed', s.owner_account_id, null, p_server_id, null,
    jsonb_build_object('seen', left(p_seen, 2000)), p_request);
  if s.proof_failing_since <= now() - interval '7 days' then
    perform mcp_data.suspend_server(s, 'proof_failing', null, p_request);
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'suspended', 'notice', mcp_data.addressee(s.owner_account_id)));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'failing',
    'since_seconds', floor(extract(epoch from s.proof_failing_since))::bigint,
    'notice', case when v_is_first then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.record_proof_check(text, jsonb, text, jsonb, timestamptz) to mcp_worker;

update mcp_data.settings set schema_version = '20261127201000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
