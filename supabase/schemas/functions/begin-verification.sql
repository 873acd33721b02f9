-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is. The two are
-- counted apart, so that nobody keeps others from it by asking. Whoever holds the URL learns of each claimant, once. What is seen is
-- handed in with `begun_at`: a try that is begun after this one makes it count no more.
-- outcomes: due {server_url, begun_at} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_begun_at timestamptz;
  v_holder mcp_data.servers;
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
  -- A holder whose proof fails may show that it is mended before the next look.
  elsif s.status = 'verified' and s.proof_failing_since is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  elsif s.status = 'suspended' and coalesce(s.suspended_reason, '') not in ('taken_over', 'proof_failing') then
    return jsonb_build_object('outcome', 'suspended');
  end if;
  v_wait := mcp_data.take_limit('server_proof', coalesce(p_server_id, p_server_url), array[60], array[1]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds', v_wait);
  end if;
  -- In one order, as whoever finishes takes them.
  perform from mcp_data.servers v where v.server_url = s.server_url
    and case when p_server_id is null then v.status = 'pending' else v.server_id = p_server_id end order by v.server_id for update;
  -- Under the lock, and not when the transaction began: whoever is second here is the later one.
  v_begun_at := clock_timestamp();
  if p_server_id is not null and s.status <> 'verified' and s.verification_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  update mcp_data.servers v set verification_begun_at = v_begun_at
  where v.server_url = s.server_url
    and case when p_server_id is null then v.status = 'pending' else v.server_id = p_server_id end;
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url, 'begun_at', v_begun_at);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;
