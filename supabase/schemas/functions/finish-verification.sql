-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands.
-- outcomes: verified {server} · taken_over {server, from} · holder_stands · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_holder mcp_data.servers;
begin
  -- All claimants of a URL, in one order: two that finish at once wait for each other.
  perform from mcp_data.servers v where v.server_url = p_server_url and v.status <> 'deleted' order by v.server_id for update;
  select * into s from mcp_data.servers v where v.server_id = p_server_id and v.server_url = p_server_url
    and (v.status in ('pending', 'verified') or (v.status = 'suspended' and v.suspended_reason = 'taken_over'));
  if not found or s.verification_begun_at is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  if v_holder.verified_at >= s.verification_begun_at then
    return jsonb_build_object('outcome', 'holder_stands');
  end if;
  if v_holder.server_id is not null then
    perform mcp_data.suspend_server(v_holder, 'taken_over', p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null
  where v.server_id = p_server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then 'document' else 'taken_over' end,
    s.owner_account_id, null, p_server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', case when v_holder.server_id is null then 'verified' else 'taken_over' end,
    'server', mcp_data.describe_server(s), 'from', v_holder.server_id));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb) to mcp_worker;
