-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is.
-- outcomes: due {server_url} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope}
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_begun_at timestamptz;
  s mcp_data.servers;
begin
  if p_server_id is not null then
    v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  else
    select * into s from mcp_data.servers v where v.server_url = p_server_url and v.status = 'pending' limit 1;
  end if;
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  elsif s.status = 'suspended' and s.suspended_reason is distinct from 'taken_over' then
    return jsonb_build_object('outcome', 'suspended');
  end if;
  -- One URL, one document, one count: also for claimants that wait in numbers. Locked in one order.
  perform from mcp_data.servers v where v.server_url = s.server_url and v.status in ('pending', 'suspended')
  order by v.server_id for update;
  select max(v.verification_begun_at) into v_begun_at from mcp_data.servers v
  where v.server_url = s.server_url and v.status in ('pending', 'suspended') and (p_server_id is null or v.server_id = p_server_id);
  if v_begun_at > now() - interval '1 minute' then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds',
      greatest(1, ceil(extract(epoch from v_begun_at + interval '1 minute' - now()))::integer));
  end if;
  update mcp_data.servers v set verification_begun_at = now()
  where v.server_url = s.server_url and v.status in ('pending', 'suspended') and (p_server_id is null or v.server_id = p_server_id);
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb) to mcp_worker;
