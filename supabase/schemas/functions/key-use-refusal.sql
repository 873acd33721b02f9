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
