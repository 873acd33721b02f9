-- Uses a refresh token (SECURITY §18-20, OAuth 2.1 §4.3.1; G1-G16). The current one rotates; its immediate predecessor gets
-- the same successor again while that is unused, within the retry window; any other token that was once valid ends the
-- connection; an invented one changes nothing.
-- `p_client` says how the client authenticated; the jti of its assertion is used up before anything else is looked at.
-- outcomes: assertion_replayed · rotated {connection} · retried {connection, successor_ciphertext} · refresh_reused {notice} · refresh_unknown · refresh_expired ·
--   client_mismatch · resource_mismatch · connection_revoked · account_disabled · client_blocked · client_changed · client_not_allowed · server_unavailable ·
--   limited {retry_after_seconds}
create or replace function mcp.rotate_refresh_token(p_connection_id text, p_generation integer, p_token_digests bytea[], p_client_id text,
  p_resource_candidates text[], p_scope text[], p_successor_digest bytea, p_successor_ciphertext bytea, p_kid text, p_retry jsonb,
  p_client jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
  v_age text;
  v_refusal text;
  v_is_retry boolean;
  v_scopes text[];
  v_last_used_at timestamptz;
begin
  if not mcp_data.take_assertion(p_client) then
    return jsonb_build_object('outcome', 'assertion_replayed');
  end if;
  perform from mcp_data.connections where connection_id = p_connection_id for update;
  select * into s from mcp_data.connection_state(p_connection_id);
  c := s.connection;
  v_age := mcp_data.refresh_token_age(c, p_generation, p_token_digests);
  v_is_retry := v_age = 'previous' and c.rotated_at > now() - make_interval(secs => (p_retry->>'window_seconds')::integer)
    and c.retries < (p_retry->>'max')::integer;
  v_refusal := case
    when v_age is null then 'refresh_unknown'
    when c.client_id is distinct from p_client_id then 'client_mismatch'
    when s.refusal = 'connection_revoked' then 'connection_revoked'
    when least(c.refresh_idle_expires_at, c.refresh_expires_at) <= now() then 'refresh_expired'
    when v_age <> 'current' and not v_is_retry then 'refresh_reused'
    when s.refusal is not null then s.refusal
    when mcp_data.client_has_changed(c, p_client) then 'client_changed'
    when not s.client_policy_allows then 'client_not_allowed'
    when not mcp_data.resource_fits(c, p_resource_candidates) then 'resource_mismatch' end;
  if v_refusal = 'refresh_reused' then
    perform mcp_data.add_event('refresh.reused', v_age, c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
    perform mcp_data.revoke_connection(c, v_refusal, p_request);
    return jsonb_build_object('outcome', v_refusal, 'notice', mcp_data.theft_notice(c));
  end if;
  -- Retries have their own count; all other calls with a real token are limited (G15), invented ones cannot use it up.
  if v_age is not null and not (v_is_retry and v_refusal is null) then
    if c.refresh_window_at > now() - interval '1 minute' and c.refreshes_in_window >= 10 then
      return jsonb_build_object('outcome', 'limited', 'retry_after_seconds',
        greatest(1, ceil(extract(epoch from c.refresh_window_at + interval '1 minute' - now()))::integer));
    end if;
  end if;
  if v_refusal = 'client_changed' then
    perform mcp_data.suspend_connections(c, p_client, p_request);
  end if;
  if v_refusal is not null then
    perform mcp_data.count_refresh(c, v_age, v_refusal, p_request);
    return jsonb_build_object('outcome', v_refusal);
  end if;

  v_scopes := mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, nullif(p_scope, '{}'));
  if cardinality(v_scopes) = 0 then
    -- Nothing of what was asked is granted: the answer names the grant (RFC 6749 §3.3), as for a wider request.
    v_scopes := mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, null);
  end if;
  v_last_used_at := c.last_used_at;
  if v_is_retry then
    update mcp_data.connections set retries = retries + 1 where connection_id = p_connection_id;
    perform mcp_data.add_event('refresh.retried', null, c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
    return jsonb_build_object('outcome', 'retried', 'successor_ciphertext', c.successor_ciphertext::text, 'connection',
      mcp_data.describe_connection(c, s.email, s.name, v_scopes, s.token_lifetime_seconds, s.issuer_epoch));
  end if;
  update mcp_data.connections set generation = generation + 1, refresh_digest = p_successor_digest, refresh_kid = p_kid,
    previous_digest = c.refresh_digest, successor_ciphertext = p_successor_ciphertext, rotated_at = now(), retries = 0,
    older_digests = case when c.previous_digest is null then ''
      else substring(substring(c.previous_digest from 1 for 8) || c.older_digests from 1 for 256) end,
    refresh_idle_expires_at = now() + make_interval(secs => refresh_idle_seconds), last_used_at = now(),
    client_keys = coalesce(nullif(mcp_data.text_array(p_client->'key_thumbprints'), '{}'), client_keys),
    refreshes_in_window = case when refresh_window_at > now() - interval '1 minute' then refreshes_in_window + 1 else 1 end,
    refresh_window_at = case when refresh_window_at > now() - interval '1 minute' then refresh_window_at else now() end
  where connection_id = p_connection_id returning * into c;
  perform mcp_data.count_usage(c, 0, case when mcp_data.is_first_use_of_day(v_last_used_at) then 1 else 0 end, 1, 0);
  -- One rotation in ten is an event: a hash of connection and generation decides.
  if hashtext(c.connection_id || c.generation) % 10 = 0 then
    perform mcp_data.add_event('refresh.rotated', 'sampled', c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
  end if;
  return jsonb_build_object('outcome', 'rotated', 'connection',
    mcp_data.describe_connection(c, s.email, s.name, v_scopes, s.token_lifetime_seconds, s.issuer_epoch));
end $$;
grant execute on function mcp.rotate_refresh_token(text, integer, bytea[], text, text[], text[], bytea, bytea, text, jsonb, jsonb, jsonb) to mcp_worker;
