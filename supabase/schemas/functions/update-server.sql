-- Changes a server; only the members that are given (J7, J16, J18: its URL, owner and status are not among them). A null
-- description, logo or lifetime removes it.
-- outcomes: updated {server, notice?} · limited {reason, retry_after_seconds} · not_found · caller_unknown · scope_missing {scope} ·
--   sign_in · not_fresh
create or replace function mcp.update_server(p_server_id text, p_caller jsonb, p_changes jsonb, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_before mcp_data.servers;
  s mcp_data.servers;
  v_wait integer;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  v_before := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if v_before.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  update mcp_data.servers x set
    server_name = coalesce(p_changes->>'server_name', x.server_name),
    description = case when p_changes ? 'description' then p_changes->>'description' else x.description end,
    logo_url = case when p_changes ? 'logo_url' then p_changes->>'logo_url' else x.logo_url end,
    scopes = coalesce(p_changes->'scopes', x.scopes),
    scope_names = case when p_changes ? 'scopes' then mcp_data.scope_names(p_changes->'scopes') else x.scope_names end,
    token_lifetime_seconds = case when p_changes ? 'token_lifetime_seconds'
      then (p_changes->>'token_lifetime_seconds')::integer else x.token_lifetime_seconds end,
    share_email = coalesce((p_changes->>'share_email')::boolean, x.share_email),
    client_policy = coalesce(p_changes->>'client_policy', x.client_policy),
    requires_passkey = coalesce((p_changes->>'requires_passkey')::boolean, x.requires_passkey),
    sign_in_max_age_seconds = case when p_changes ? 'sign_in_max_age_seconds' then (p_changes->>'sign_in_max_age_seconds')::integer else x.sign_in_max_age_seconds end
  where x.server_id = p_server_id and x.status <> 'deleted'
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if s.scopes <> v_before.scopes then
    perform mcp_data.add_event('scopes.changed', null, v_caller.account_id, null, p_server_id, null,
      jsonb_build_object('before', v_before.scope_names, 'after', s.scope_names), p_request);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'updated', 'server', mcp_data.describe_server(s),
    -- Scopes that grow are told (J22).
    'notice', case when not s.scope_names <@ v_before.scope_names then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.update_server(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;
