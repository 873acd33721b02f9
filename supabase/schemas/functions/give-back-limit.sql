-- Takes back a hit that this transaction counted with take_limit, before it ends: what was reserved did not come about. Internal.
create or replace function mcp_data.give_back_limit(p_kind text, p_subject text) returns void
language plpgsql set search_path = '' as $$
begin
  -- One of those of this very moment: hits of others stay.
  update mcp_data.limits set hits = hits[:array_position(hits, now()) - 1] || hits[array_position(hits, now()) + 1:]
  where subject_digest = sha256(convert_to(p_kind || ':' || p_subject, 'UTF8')) and now() = any(hits);
end $$;
