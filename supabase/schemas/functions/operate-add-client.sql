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
