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
