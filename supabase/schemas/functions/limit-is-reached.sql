-- Whether a durable limit is used up, counting nothing. Internal.
create or replace function mcp_data.limit_is_reached(p_kind text, p_subject text, p_window_seconds integer, p_maximum integer) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return p_maximum <= (
    select count(*) from mcp_data.limits l, unnest(l.hits) h
    where l.subject_digest = sha256(convert_to(p_kind || ':' || p_subject, 'UTF8'))
      and h > now() - make_interval(secs => p_window_seconds));
end $$;
