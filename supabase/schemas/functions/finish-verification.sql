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
