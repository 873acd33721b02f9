-- The switches that the Worker asks for (M12): e-mail sign-in is not among them, because the calls that decide about it look themselves.
-- outcomes: read {registration, documents}
create or replace function mcp.read_switches() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'read', 'registration', e.registration_is_on, 'documents', e.documents_are_on)
    from mcp_data.settings e);
end $$;
grant execute on function mcp.read_switches() to mcp_worker;
