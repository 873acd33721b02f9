-- The one door for operators: runs a command, or (`p_mode` = `try`) says what it would answer and leaves nothing behind. Every change
-- writes its event in the same transaction (SECURITY §28). `p_request` names who operates.
-- outcomes: those of the command, with `tried` where nothing was kept · unknown_command · unknown_mode
create or replace function mcp.operate(p_command text, p_arguments jsonb, p_mode text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_answer jsonb;
begin
  if p_mode is null or p_mode not in ('do', 'try') then
    return jsonb_build_object('outcome', 'unknown_mode');
  end if;
  v_answer := case p_command
    when 'read_state' then mcp_data.operate_read_state()
    when 'change_keys' then mcp_data.operate_change_keys(p_arguments, p_request)
    when 'list_clients' then mcp_data.operate_list_clients()
    when 'add_client' then mcp_data.operate_add_client(p_arguments, p_request)
    when 'block_client' then mcp_data.operate_block_client(p_arguments, p_request)
    when 'unblock_client' then mcp_data.operate_unblock_client(p_arguments, p_request)
    when 'suspend_server' then mcp_data.operate_suspend_server(p_arguments, p_request)
    when 'resume_server' then mcp_data.operate_resume_server(p_arguments, p_request)
    when 'transfer_server' then mcp_data.operate_transfer_server(p_arguments, p_request)
    when 'disable_user' then mcp_data.operate_disable_user(p_arguments, p_request)
    when 'enable_user' then mcp_data.operate_enable_user(p_arguments, p_request)
    when 'export_user' then mcp_data.operate_export_user(p_arguments, p_request)
    when 'remove_passkeys' then mcp_data.operate_remove_passkeys(p_arguments, p_request)
    when 'delete_user' then mcp_data.operate_delete_user(p_arguments, p_request)
    when 'turn_switch' then mcp_data.operate_turn_switch(p_arguments, p_request)
    when 'raise_epoch' then mcp_data.operate_raise_epoch(p_arguments, p_request)
    else jsonb_build_object('outcome', 'unknown_command') end;
  -- What a variable holds outlives the savepoint that this block is; everything else in it does not.
  if p_mode = 'try' then
    raise exception 'tried' using errcode = 'MCPTR';
  end if;
  return v_answer;
exception when sqlstate 'MCPTR' then
  return v_answer || jsonb_build_object('tried', true);
end $$;
grant execute on function mcp.operate(text, jsonb, text, jsonb) to mcp_operator;
