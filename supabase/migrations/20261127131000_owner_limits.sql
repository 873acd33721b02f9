-- Owners: every change is counted by the configured number an hour, and whoever is cut off by a block finds that in the account
-- (SECURITY "Limits", §28).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

drop function mcp.offer_server(text, jsonb, text, jsonb);
drop function mcp.create_client_rule(text, jsonb, jsonb, jsonb);
drop function mcp.create_webhook(text, jsonb, jsonb, jsonb);
drop function mcp.update_server(text, jsonb, jsonb, jsonb);

-- Offers a server to another person, by e-mail address (HTTP-API "Server management"); null takes every offer back. Nothing changes
-- hands until that person accepts. The answer is the same whether or not the address has an account; `notice` is for the mail.
-- outcomes: offered {server, notice?} · withdrawn {server} · own_address · limited {reason, retry_after_seconds} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.offer_server(p_server_id text, p_caller jsonb, p_email text, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
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
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'offered', 'server', mcp_data.describe_server(s),
    'notice', (select mcp_data.addressee(a.account_id) from mcp_data.accounts a where a.email = p_email)));
end $$;
grant execute on function mcp.offer_server(text, jsonb, text, jsonb, jsonb) to mcp_worker;

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

-- Makes a webhook for a server (HTTP-API "Webhooks"), at most five.
-- outcomes: created {webhook} · limited {reason, retry_after_seconds?} · not_found · caller_unknown · scope_missing {scope} · sign_in ·
--   not_fresh
create or replace function mcp.create_webhook(p_server_id text, p_caller jsonb, p_webhook jsonb, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  w mcp_data.webhooks;
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
  elsif (select count(*) from mcp_data.webhooks x where x.server_id = p_server_id) >= 5 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'webhooks');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.webhooks (webhook_id, server_id, url, kid, events)
  values (p_webhook->>'webhook_id', p_server_id, p_webhook->>'url', p_webhook->>'kid', mcp_data.text_array(p_webhook->'events'))
  returning * into w;
  perform mcp_data.add_event('webhook.created', null, v_caller.account_id, null, p_server_id, null,
    jsonb_build_object('webhook_id', w.webhook_id), p_request);
  return jsonb_build_object('outcome', 'created', 'webhook', mcp_data.describe_webhook(w));
end $$;
grant execute on function mcp.create_webhook(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

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
    client_policy = coalesce(p_changes->>'client_policy', x.client_policy)
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

update mcp_data.settings set schema_version = '20261127131000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
