-- The person's decision (SECURITY §8, §11; A29, A30, B11). Exactly one wins: the transaction's row is locked first.
-- Approval makes the connection, which holds the code. Identity scopes that were asked for come with any approval, and so do the
-- scopes that the page showed as required; with every scope of the server unticked the answer is no.
-- outcomes: approved {redirect_uri, state?, client, scopes, first_connection?} · denied {redirect_uri, state?, client} · transaction_gone {reason} ·
--   sign_in · scope_not_requested · refused {reason} · limited {retry_after_seconds}
create or replace function mcp.decide_consent(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer, p_decision text, p_scopes text[], p_connection_id text, p_code_digest bytea, p_kid text,
  p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  s mcp_data.servers;
  v_session record;
  v_refusal jsonb;
  v_reason text;
  v_catalogue jsonb;
  v_granted text[];
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_refusal := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_refusal is null and t.page is not null then
    -- A sign-in for one of our own pages has nothing to consent to.
    v_refusal := jsonb_build_object('outcome', 'transaction_gone', 'reason', 'transaction_unknown');
  end if;
  if v_refusal is not null then
    return v_refusal;
  end if;
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  select * into s from mcp_data.servers where server_id = t.server_id;
  if v_session.session_id is null or v_session.account_id is distinct from t.account_id
    or not mcp_data.sign_in_suffices(t, s, v_session.auth_time, v_session.auth_method) then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  v_refusal := mcp_data.count_consent(v_session.session_id);
  if v_refusal is not null then
    return v_refusal;
  end if;
  if not coalesce(p_scopes, '{}') <@ (t.requested_scopes || t.identity_scopes) then
    return jsonb_build_object('outcome', 'scope_not_requested');
  end if;
  v_reason := case when p_decision = 'approve' then mcp_data.approval_refusal(t) end;
  if v_reason is not null then
    perform mcp_data.add_event('authorization.failed', v_reason, t.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'refused', 'reason', v_reason);
  end if;

  v_catalogue := case t.resource_kind when 'management' then mcp_data.management_scopes() else s.scopes end;
  v_granted := array(
    select r.scope from unnest(t.requested_scopes) with ordinality as r (scope, place)
    where r.scope = any(p_scopes) or exists (
      select from jsonb_array_elements(mcp_data.requested_catalogue(v_catalogue, t.requested_scopes, t.required_scopes)) e
      where e->>'name' = r.scope and (e->>'required')::boolean)
    order by r.place);
  if p_decision is distinct from 'approve' or (cardinality(t.requested_scopes) > 0 and cardinality(v_granted) = 0) then
    update mcp_data.transactions set decided_at = now(), decision = 'denied' where transaction_id = p_transaction_id;
    perform mcp_data.add_event('consent.denied', null, t.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'denied', 'redirect_uri', t.redirect_uri, 'state', t.state, 'client', t.client));
  end if;
  update mcp_data.transactions set decided_at = now(), decision = 'approved' where transaction_id = p_transaction_id;
  perform mcp_data.add_event(case when v_granted @> t.requested_scopes then 'consent.granted' else 'consent.narrowed' end,
    null, t.account_id, t.client_id, t.server_id, p_connection_id,
    jsonb_build_object('scopes', v_granted || t.identity_scopes), p_request);
  return mcp_data.approve(t, v_granted || t.identity_scopes, t.account_id, v_session.auth_time, v_session.auth_method, now(),
      p_connection_id, p_code_digest, p_kid, p_lifetimes, p_request)
    || jsonb_strip_nulls(jsonb_build_object('first_connection', mcp_data.first_connection_notice(t, v_session.email, p_connection_id)));
end $$;
grant execute on function mcp.decide_consent(text, bytea[], bytea[], integer, text, text[], text, bytea, text, jsonb, jsonb) to mcp_worker;
