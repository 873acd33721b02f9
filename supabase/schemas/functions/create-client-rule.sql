-- Lets a client or a host in, or keeps it out and cuts its connections at once (A36, M12). One rule a subject, at most 100 a server.
-- One event says it for all connections, whose number is not bounded; the first thousand have one of their own as well, so that their
-- persons find it and webhooks hear of it, and the block never waits for more.
-- outcomes: created {rule, connections_ended} · rule_exists · limited {reason, retry_after_seconds?} · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.create_client_rule(p_server_id text, p_caller jsonb, p_rule jsonb, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_ended integer := 0;
  r mcp_data.server_client_rules;
  x mcp_data.connections;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif (select count(*) from mcp_data.server_client_rules o where o.server_id = p_server_id) >= 100 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'client_rules');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.server_client_rules (rule_id, server_id, effect, client_id, host, subject_digest)
  values (p_rule->>'rule_id', p_server_id, p_rule->>'effect', p_rule->>'client_id', p_rule->>'host',
    case when p_rule ? 'client_id' then mcp_data.rule_subject('client', p_rule->>'client_id')
      else mcp_data.rule_subject('host', p_rule->>'host') end)
  on conflict (server_id, subject_digest) do nothing returning * into r;
  if not found then
    return jsonb_build_object('outcome', 'rule_exists');
  end if;
  update mcp_data.servers set has_client_rules = true where server_id = p_server_id;
  if r.effect = 'block' then
    for x in
      update mcp_data.connections c set revoked_at = now(), revoked_reason = 'client_not_allowed', successor_ciphertext = null
      where c.server_id = p_server_id and c.revoked_at is null
        and case when r.client_id is not null then c.client_id = r.client_id
          else r.host = any(mcp_data.client_hosts(c.client_id, c.client_kind, c.redirect_uri)) end
      returning c.*
    loop
      v_ended := v_ended + 1;
      if v_ended <= 1000 then
        perform mcp_data.add_event('connection.revoked', 'client_not_allowed', x.account_id, x.client_id, x.server_id,
          x.connection_id, null, p_request);
      end if;
    end loop;
  end if;
  perform mcp_data.add_event(case r.effect when 'block' then 'client.blocked' else 'client.allowed' end, null, v_caller.account_id,
    r.client_id, p_server_id, null, jsonb_strip_nulls(jsonb_build_object('host', r.host, 'connections', v_ended)), p_request);
  return jsonb_build_object('outcome', 'created', 'rule', mcp_data.describe_client_rule(r), 'connections_ended', v_ended);
end $$;
grant execute on function mcp.create_client_rule(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;
