-- What a rule about clients is found by. Internal.
create or replace function mcp_data.rule_subject(p_kind text, p_value text) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  return sha256(convert_to(p_kind || ' ' || p_value, 'UTF8'));
end $$;
