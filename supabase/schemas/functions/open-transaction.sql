-- Opens an authorization transaction once client and redirect URI are proven (SECURITY §8, §11; RFC 8707; RFC 6749 §3.3).
-- One call: client liveness, resource, scopes, session, remembered consent, and the write. With prompt=none nothing is
-- written: the answer says what a person would have to do.
-- (Plans are kept by a session from its first calls on: one made for an empty table must not read a full one through.)
-- outcomes: client_unknown · client_blocked · invalid_target {reason, server_url?} · invalid_scope {reason} ·
--   unauthorized_client {reason} · sign_in {transaction} · consent {transaction} · approved {redirect_uri, state?, client, scopes}
create or replace function mcp.open_transaction(p_transaction_id text, p_browser_digests bytea[], p_browser_digest bytea, p_kid text,
  p_session_digests bytea[], p_client jsonb, p_authorization jsonb, p_connection_id text, p_code_digest bytea, p_lifetimes jsonb,
  p_max_open_transactions integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  v_client record;
  v_session record;
  v_resource record;
  v_scopes record;
  v_consented_at timestamptz;
  v_known_keys text[];
  v_prompt text[] := mcp_data.text_array(p_authorization->'prompt');
  t mcp_data.transactions;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  v_client := mcp_data.check_client(p_client);
  if v_client.refusal is not null then
    return jsonb_build_object('outcome', v_client.refusal);
  end if;
  v_session := mcp_data.session_of(p_session_digests, (p_lifetimes->>'session_idle_seconds')::integer);
  v_resource := mcp_data.choose_resource(mcp_data.text_array(p_authorization->'resource_candidates'),
    coalesce((p_authorization->>'resource_is_origin')::boolean, false), p_authorization->>'issuer', v_session.account_id);
  if v_resource.kind is null then
    -- The longest URL that waits for its proof: it is tried on the spot (HTTP-API "Proof of server_url").
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'invalid_target', 'reason', v_resource.reason, 'server_url', (
      select s.server_url from mcp_data.servers s
      where v_resource.reason = 'resource_unverified' and s.status = 'pending'
        and s.server_url = any(mcp_data.text_array(p_authorization->'resource_candidates'))
      order by length(s.server_url) desc limit 1)));
  end if;
  if not mcp_data.client_is_allowed((v_resource.server).server_id, (v_resource.server).client_policy,
    (v_resource.server).has_client_rules, p_client->>'client_id', p_client->>'kind', p_authorization->>'redirect_uri') then
    return jsonb_build_object('outcome', 'unauthorized_client', 'reason', 'client_not_allowed');
  end if;
  v_scopes := mcp_data.choose_scopes(mcp_data.text_array(p_authorization->'scope'), v_resource.kind, (v_resource.server).scopes);
  if v_scopes.server_scopes is null then
    return jsonb_build_object('outcome', 'invalid_scope', 'reason', 'scope_unknown');
  end if;

  t := mcp_data.new_transaction(p_client, p_authorization, p_lifetimes, v_resource.kind, v_resource.server,
    v_scopes.server_scopes, v_scopes.identity_scopes);
  t.transaction_id := p_transaction_id;
  t.browser_digest := p_browser_digest;
  t.browser_kid := p_kid;
  t.can_refresh := v_client.can_refresh;
  if v_session.session_id is not null
    and not mcp_data.sign_in_suffices(t, v_resource.server, v_session.auth_time, v_session.auth_method) then
    v_session.session_id := null;
  end if;

  if v_session.session_id is not null then
    t.account_id := v_session.account_id;
    perform mcp_data.renew_session_digest(v_session.session_id, p_session_digests[1], p_kid);
    if t.redirect_trust = 'proven' and not v_prompt && array['consent', 'login', 'select_account'] then
      select r.consented_at, r.client_keys into v_consented_at, v_known_keys
      from mcp_data.remembered_consent(t, (p_lifetimes->>'remembered_consent_seconds')::integer) r;
    end if;
    if v_consented_at is not null then
      -- Keys that are fetched only when they are needed are held to those of the consent (E17).
      if cardinality(v_known_keys) > 0 and not t.client ? 'key_thumbprints' then
        t.client := t.client || jsonb_build_object('key_thumbprints', to_jsonb(v_known_keys));
      end if;
      perform mcp_data.add_event('consent.granted', 'remembered', t.account_id, t.client_id, t.server_id, p_connection_id, null, p_request);
      return mcp_data.approve(t, t.requested_scopes || t.identity_scopes, t.account_id, v_session.auth_time,
        v_session.auth_method, v_consented_at, p_connection_id, p_code_digest, p_kid, p_lifetimes, p_request);
    end if;
  end if;
  if not 'none' = any(v_prompt) then
    perform mcp_data.keep_transaction(t, p_browser_digests, p_max_open_transactions);
  end if;
  return jsonb_build_object('outcome', case when v_session.session_id is null then 'sign_in' else 'consent' end,
    'transaction', case when v_session.session_id is null then mcp_data.show_transaction(t, null, null, null)
      else mcp_data.show_transaction(t, v_session.account_id, v_session.email, v_session.auth_time) end);
end $$;
grant execute on function mcp.open_transaction(text, bytea[], bytea, text, bytea[], jsonb, jsonb, text, bytea, jsonb, integer, jsonb) to mcp_worker;
