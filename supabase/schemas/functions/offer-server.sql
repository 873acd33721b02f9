-- Offers a server to another person, by e-mail address (HTTP-API "Server management"); null takes every offer back. Nothing changes
-- hands until that person accepts. The answer is the same whether or not the address has an account; `notice` is for the mail, of which
-- one person gets three in 15 minutes and ten a day, whoever offers (C6).
-- outcomes: offered {server, notice?} · withdrawn {server} · own_address · limited {reason, retry_after_seconds} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.offer_server(p_server_id text, p_caller jsonb, p_email text, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_notice jsonb;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email = (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id) then
    return jsonb_build_object('outcome', 'own_address');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  update mcp_data.servers x set offered_to_email = p_email, offered_to_user_id = null
  where x.server_id = p_server_id and x.status <> 'deleted' and x.owner_account_id is not distinct from s.owner_account_id
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email is null then
    return jsonb_build_object('outcome', 'withdrawn', 'server', mcp_data.describe_server(s));
  end if;
  perform mcp_data.add_event('server.offered', null, v_caller.account_id, null, p_server_id, null, null, p_request);
  select mcp_data.addressee(a.account_id) into v_notice from mcp_data.accounts a where a.email = p_email;
  if v_notice is not null then
    if mcp_data.take_limit('offer_mail', p_email, array[900, 86400], array[3, 10]) > 0 then
      v_notice := null;
    end if;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'offered', 'server', mcp_data.describe_server(s), 'notice', v_notice));
end $$;
grant execute on function mcp.offer_server(text, jsonb, text, jsonb, jsonb) to mcp_worker;
