-- A key is made known to every isolate before one of them writes with it: put in front at once, those of before would refuse what is
-- newer (SECURITY §6).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Why a key that is known may not be used yet; null where it may. Internal. Whoever checks signatures may keep the published set for a
-- day (SECURITY §6); other keys are known when the deployment that brought them has reached every isolate.
create or replace function mcp_data.key_use_refusal(p_kind text, p_kid text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_wait interval := case p_kind when 'signing_keys' then interval '24 hours' else interval '15 minutes' end;
  w mcp_data.worker_keys;
begin
  select * into w from mcp_data.worker_keys x where x.kind = p_kind and x.kid = p_kid and x.dropped_at is null;
  return case when not found then jsonb_build_object('outcome', 'not_found')
    when w.used_since is not null then jsonb_build_object('outcome', 'in_use')
    when w.added_at > now() - v_wait then jsonb_build_object('outcome', 'too_early', 'at', w.added_at + v_wait) end;
end $$;

-- Notes one step in the life of one of the Worker's keys, and refuses one that would come too early (SECURITY §6). The keys themselves
-- are never here. `present` names those that the Worker has, the one that writes first, `published` those of them that only sign later.
-- `add`: a new one that is made known and not used, or used at once where it is wanted `now`. `use`: it writes, or signs, from now on.
-- `drop`: an old one goes; with `now` before its time. Internal.
-- outcomes: noted {kind, kid, step} · too_many · exists · too_early {at} · still_needed {uses} · in_use · never · not_found · unknown_step
create or replace function mcp_data.operate_change_keys(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_kind text := p_arguments->>'kind';
  v_kid text := p_arguments->>'kid';
  v_step text := p_arguments->>'step';
  v_present text[] := mcp_data.text_array(p_arguments->'present');
  v_refusal jsonb;
begin
  perform pg_advisory_xact_lock(hashtext('mcp_data.worker_keys'));
  -- What the Worker has had before anybody kept book: as if it had come now, so that no wait is too short.
  insert into mcp_data.worker_keys as w (kind, kid, used_since)
  select v_kind, k, case when not k = any(mcp_data.text_array(p_arguments->'published')) then now() end from unnest(v_present) k
  on conflict (kind, kid) do update set dropped_at = null where w.dropped_at is not null;
  v_refusal := case v_step
    when 'add' then case
      when exists (select from mcp_data.worker_keys w where w.kind = v_kind and w.kid = v_kid) then jsonb_build_object('outcome', 'exists')
      when v_kind in ('token_peppers', 'cookie_keys') and cardinality(v_present) > 1 then jsonb_build_object('outcome', 'too_many') end
    when 'use' then mcp_data.key_use_refusal(v_kind, v_kid)
    when 'drop' then mcp_data.key_drop_refusal(v_kind, v_kid, v_present, coalesce((p_arguments->>'wait_seconds')::integer, 3600),
      coalesce(p_arguments->>'when', '') = 'now')
    else jsonb_build_object('outcome', 'unknown_step') end;
  if v_refusal is not null then
    return v_refusal;
  end if;
  insert into mcp_data.worker_keys as w (kind, kid, used_since) values (v_kind, v_kid, case when p_arguments->>'when' = 'now' then now() end)
  on conflict (kind, kid) do update set used_since = case when v_step = 'use' then now() else w.used_since end,
    dropped_at = case when v_step = 'drop' then now() end;
  perform mcp_data.add_event(case v_step when 'add' then 'operator.key_added' when 'use' then 'operator.key_used' else 'operator.key_dropped' end,
    p_arguments->>'reason', null, null, null, null, jsonb_strip_nulls(jsonb_build_object('kind', v_kind, 'kid', v_kid,
    'when', p_arguments->>'when')), p_request);
  return jsonb_build_object('outcome', 'noted', 'kind', v_kind, 'kid', v_kid, 'step', v_step);
end $$;

update mcp_data.settings set schema_version = '20261127135000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
