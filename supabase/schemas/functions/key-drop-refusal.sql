-- Why one of the Worker's keys may not go; null where it may. Internal. The newest one in use stays whatever is asked, and so does every
-- registration key (SECURITY §5), unless it has to go now. A pepper goes when nothing alive was digested under it; a signing key when
-- what it signed has expired; a cookie key a day after its successor came, when no open page holds its form tokens any more.
create or replace function mcp_data.key_drop_refusal(p_kind text, p_kid text, p_present text[], p_wait_seconds integer, p_now boolean)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_newest text;
  v_since timestamptz;
  v_wait interval := case p_kind when 'signing_keys' then make_interval(secs => p_wait_seconds) else interval '24 hours' end;
  v_uses jsonb;
begin
  if not p_kid = any(p_present) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select k.kid, w.used_since into v_newest, v_since from unnest(p_present) with ordinality as k (kid, place)
  join mcp_data.worker_keys w on w.kind = p_kind and w.kid = k.kid where w.used_since is not null order by k.place limit 1;
  if v_newest is null or v_newest = p_kid then
    return jsonb_build_object('outcome', 'in_use');
  elsif p_now then
    return null;
  elsif p_kind = 'registration_keys' then
    return jsonb_build_object('outcome', 'never');
  elsif p_kind = 'token_peppers' then
    v_uses := mcp_data.key_uses()->p_kid;
    return case when v_uses is not null then jsonb_build_object('outcome', 'still_needed', 'uses', v_uses) end;
  end if;
  return case when v_since > now() - v_wait then jsonb_build_object('outcome', 'too_early', 'at', v_since + v_wait) end;
end $$;
