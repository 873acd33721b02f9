-- Registers a server (HTTP-API "Server management"; J1, J2, J7, J8, N9, J24). Without a caller the management token is its
-- credential; with an owner's token the account owns it. `user_id` only asks that person. Status `verified` at once is for a
-- loopback issuer; there a URL that is held is taken. With an idempotency key the same call answers the same (`replayed`).
-- outcomes: registered {server, replayed?} · server_url_taken · idempotency_mismatch · limited {reason, retry_after_seconds?} ·
--   not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.register_server(p_server_id text, p_server jsonb, p_status text, p_management jsonb, p_caller jsonb,
  p_limits jsonb, p_idempotency jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_account_id uuid;
  v_before record;
  v_limited jsonb;
  s mcp_data.servers;
begin
  if p_caller is not null and p_caller <> 'null' then
    -- A management token speaks for the one server it came with, never for a new one.
    v_caller := mcp_data.resolve_owner(p_caller, 'servers:write');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    v_account_id := v_caller.account_id;
  end if;
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  elsif v_before.made_id is not null then
    select * into s from mcp_data.servers x where x.server_id = v_before.made_id and x.status <> 'deleted';
    return case when found then jsonb_build_object('outcome', 'registered', 'server', mcp_data.describe_server(s), 'replayed', true)
      else jsonb_build_object('outcome', 'not_found') end;
  end if;
  if v_account_id is not null then
    v_limited := mcp_data.check_server_limits(v_account_id, p_limits, p_request);
    if v_limited is not null then
      return v_limited;
    end if;
    -- One owner has one registration of a URL; strangers may wait for it beside (J8).
    if exists (select from mcp_data.servers x
      where x.server_url = p_server->>'server_url' and x.owner_account_id = v_account_id and x.status <> 'deleted') then
      return jsonb_build_object('outcome', 'server_url_taken');
    end if;
  end if;
  insert into mcp_data.servers (server_id, server_url, server_name, description, logo_url, scopes, scope_names, status,
    owner_account_id, offered_to_user_id, token_lifetime_seconds, share_email, requires_passkey, sign_in_max_age_seconds, verified_at, proof_method)
  values (p_server_id, p_server->>'server_url', p_server->>'server_name', p_server->>'description', p_server->>'logo_url',
    coalesce(p_server->'scopes', '[]'), mcp_data.scope_names(p_server->'scopes'), p_status, v_account_id,
    nullif(p_server->>'user_id', v_account_id::text), (p_server->>'token_lifetime_seconds')::integer,
    coalesce((p_server->>'share_email')::boolean, true), coalesce((p_server->>'requires_passkey')::boolean, false),
    (p_server->>'sign_in_max_age_seconds')::integer, case when p_status = 'verified' then now() end,
    case when p_status = 'verified' then 'loopback' end)
  on conflict (server_url) where status = 'verified' do nothing
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'server_url_taken');
  end if;
  if p_management is not null and p_management <> 'null' then
    insert into mcp_data.management_tokens (public_part, server_id, token_digest, token_kid)
    values (p_management->>'public_part', p_server_id, (p_management->>'digest')::bytea, p_management->>'kid');
  end if;
  perform mcp_data.keep_idempotency_key(p_idempotency, p_server_id);
  perform mcp_data.add_event('server.registered', null, v_account_id, null, p_server_id, null, null, p_request);
  if p_status = 'verified' then
    perform mcp_data.add_event('server.verified', 'loopback_issuer', v_account_id, null, p_server_id, null, null, p_request);
  end if;
  return jsonb_build_object('outcome', 'registered', 'server', mcp_data.describe_server(s));
end $$;
grant execute on function mcp.register_server(text, jsonb, text, jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;
