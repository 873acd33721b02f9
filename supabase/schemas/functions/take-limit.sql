-- Durable limits over sliding windows (SECURITY "Limits", D). Internal.
-- Counts one hit for the subject and gives 0, or counts nothing and gives the seconds to wait. The upsert locks the
-- subject's row, so parallel callers are counted one after the other.
create or replace function mcp_data.take_limit(p_kind text, p_subject text, p_windows integer[], p_maxima integer[]) returns integer
language plpgsql set search_path = '' as $$
declare
  v_digest bytea := sha256(convert_to(p_kind || ':' || p_subject, 'UTF8'));
  v_longest interval := make_interval(secs => (select max(w) from unnest(p_windows) w));
  v_hits timestamptz[];
  v_wait integer;
begin
  insert into mcp_data.limits as l (subject_digest, kind, expires_at) values (v_digest, p_kind, now() + v_longest)
    on conflict (subject_digest) do update set expires_at = excluded.expires_at
    returning l.hits into v_hits;
  -- With m hits in a window of which n are allowed, the wait ends when the (m - n + 1)th oldest has left it.
  select max(ceil(extract(epoch from w.freed_at - now())))::integer into v_wait
  from (select w.seconds, w.maximum, (
          select h + make_interval(secs => w.seconds) from unnest(v_hits) h
          where h > now() - make_interval(secs => w.seconds) order by h desc offset greatest(w.maximum, 1) - 1 limit 1) as freed_at
        from unnest(p_windows, p_maxima) as w (seconds, maximum)) w
  where w.freed_at is not null or w.maximum <= 0;
  if v_wait is not null or 0 >= any(p_maxima) then
    return greatest(coalesce(v_wait, extract(epoch from v_longest)::integer), 1);
  end if;
  update mcp_data.limits set hits = array(select h from unnest(hits) h where h > now() - v_longest order by h) || now()
  where subject_digest = v_digest;
  return 0;
end $$;
