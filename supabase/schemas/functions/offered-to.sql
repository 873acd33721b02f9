-- Whether a server is offered to this person: by the account's id, or by its verified address (J2). Internal.
create or replace function mcp_data.offered_to(p_server mcp_data.servers, p_account_id uuid, p_email text) returns boolean
language plpgsql immutable set search_path = '' as $$
begin
  return p_server.status <> 'deleted' and p_server.owner_account_id is distinct from p_account_id
    and (coalesce(p_server.offered_to_user_id = p_account_id::text, false) or coalesce(p_server.offered_to_email = p_email, false));
end $$;
