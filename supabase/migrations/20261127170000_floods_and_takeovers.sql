-- Floods by whoever has a transaction, a code or a server write little, mail little and keep nobody else waiting (SECURITY "Limits",
-- §28; THREATS C6, M8). A server's URL changes hands only where its holder's own way of proof has answered, and what nobody could tell of
-- a proof is asked again in an hour (SECURITY §23; THREATS J10, J11).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

drop index mcp_data.webhook_messages_due;
create index webhook_messages_due on mcp_data.webhook_messages (webhook_id, next_attempt_at) where next_attempt_at is not null;

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
    -- Ten events an hour: whoever asks again and again writes nothing more (M8).
    if mcp_data.take_limit('code_limit_told', coalesce(p_ip, p_transaction_id), array[3600], array[10]) = 0 then
      perform mcp_data.add_event('limit.hit', v_limit, v_account_id, t.client_id, t.server_id, null, null, p_request);
    end if;
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

-- What follows from a refused code (F1, F2): a proven replay ends the connection, a wrong verifier is an event, nothing else
-- leaves a trace. Internal.
create or replace function mcp_data.refuse_code(p_connection mcp_data.connections, p_refusal text, p_client jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_event text := case p_refusal when 'code_replayed' then 'authorization_code.replayed' when 'verifier_mismatch' then 'pkce.failed' end;
begin
  perform mcp_data.note_refusal(p_connection, 'token', p_refusal, p_request);
  if p_refusal = 'client_changed' then
    perform mcp_data.suspend_connections(p_connection, p_client, p_request);
  end if;
  if v_event is null or p_connection.revoked_at is not null then
    return;
  end if;
  -- Ten events a minute: whoever holds a code may try it as often as they like (M8).
  if p_refusal = 'verifier_mismatch' then
    if mcp_data.take_limit('pkce_failed', p_connection.connection_id, array[60], array[10]) > 0 then
      return;
    end if;
  end if;
  perform mcp_data.add_event(v_event, p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
    p_connection.connection_id, null, p_request);
  if p_refusal = 'code_replayed' then
    perform mcp_data.revoke_connection(p_connection, p_refusal, p_request);
  end if;
end $$;

-- Offers a server to another person, by e-mail address (HTTP-API "Server management"); null takes every offer back. Nothing changes
-- hands until that person accepts. The answer is the same whether or not the address has an account; `notice` is for the mail, of which
-- one person gets three in 15 minutes and ten a day, whoever offers (C6).
-- outcomes: offered {server, notice?} · withdrawn {server} · own_address · limited {reason, retry_after_seconds} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.offer_server(p_server_id text, p_caller jsonb, p_email text, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_notice jsonb;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email = (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id) then
    return jsonb_build_object('outcome', 'own_address');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  update mcp_data.servers x set offered_to_email = p_email, offered_to_user_id = null
  where x.server_id = p_server_id and x.status <> 'deleted' and x.owner_account_id is not distinct from s.owner_account_id
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email is null then
    return jsonb_build_object('outcome', 'withdrawn', 'server', mcp_data.describe_server(s));
  end if;
  perform mcp_data.add_event('server.offered', null, v_caller.account_id, null, p_server_id, null, null, p_request);
  select mcp_data.addressee(a.account_id) into v_notice from mcp_data.accounts a where a.email = p_email;
  if v_notice is not null then
    if mcp_data.take_limit('offer_mail', p_email, array[900, 86400], array[3, 10]) > 0 then
      v_notice := null;
    end if;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'offered', 'server', mcp_data.describe_server(s), 'notice', v_notice));
end $$;
grant execute on function mcp.offer_server(text, jsonb, text, jsonb, jsonb) to mcp_worker;

-- Claims messages that are due, a bounded number, each for five minutes: whoever claims one and dies loses nothing. Owners take turns,
-- so that a backlog of one keeps nobody else's waiting (M8); of each webhook no more is looked at than could be claimed.
-- outcomes: taken {messages}
create or replace function mcp.take_webhook_messages(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_messages jsonb;
begin
  with claimed as (
    update mcp_data.webhook_messages m set next_attempt_at = now() + interval '5 minutes', attempts = m.attempts + 1
    where m.message_id = any(array(
      select x.message_id from mcp_data.webhook_messages x
      where x.next_attempt_at <= now() and x.message_id = any(array(
        select d.message_id from (
          select q.message_id, q.next_attempt_at, row_number() over (
            partition by coalesce(s.owner_account_id::text, s.server_id) order by q.next_attempt_at) as turn
          from mcp_data.webhooks h join mcp_data.servers s on s.server_id = h.server_id
          cross join lateral (select y.message_id, y.next_attempt_at from mcp_data.webhook_messages y
            where y.webhook_id = h.webhook_id and y.next_attempt_at <= now() order by y.next_attempt_at limit p_limit) q) d
        order by d.turn, d.next_attempt_at limit p_limit))
      for update skip locked))
    returning m.message_id, m.webhook_id, m.payload)
  select coalesce(jsonb_agg(jsonb_build_object('message_id', c.message_id, 'webhook_id', c.webhook_id, 'url', w.url, 'kid', w.kid,
    'payload', c.payload)), '[]') into v_messages
  from claimed c join mcp_data.webhooks w on w.webhook_id = c.webhook_id;
  return jsonb_build_object('outcome', 'taken', 'messages', v_messages);
end $$;
grant execute on function mcp.take_webhook_messages(integer) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands. So it does
-- where its own way of proof is not among those that have answered (`looked`): nobody knows then that it fails.
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
grant execute on function mcp.finish_verification(text, text, jsonb, jsonb) to mcp_worker;

-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before an hour has passed, also for another run that works beside: that is when one
-- comes again of which nobody could tell. None while documents are switched off: nobody's proof fails because nobody looked.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set proof_checked_at = now() + interval '1 hour' - case when v.proof_failing_since is null then interval '7 days' else interval '1 day' end
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

update mcp_data.settings set schema_version = '20261127170000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
