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
