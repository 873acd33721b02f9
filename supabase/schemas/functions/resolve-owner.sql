-- Like resolve_caller, for what only a person can do: a management token, which speaks for a server, is unknown here. Internal.
create or replace function mcp_data.resolve_owner(p_caller jsonb, p_scope text, out account_id uuid, out email text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, p_scope);
  account_id := v_caller.account_id;
  email := (select a.email from mcp_data.accounts a where a.account_id = v_caller.account_id);
  refusal := case when v_caller.refusal is not null then v_caller.refusal
    when account_id is null then jsonb_build_object('outcome', 'caller_unknown') end;
end $$;
