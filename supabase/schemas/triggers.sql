-- Whoever blocks a client, by whatever row, leaves an event (M12).
create trigger tell_of_blocked_client after insert on mcp_data.blocked_clients
  for each row execute function mcp_data.tell_of_blocked_client('reason');
create trigger tell_of_blocked_client after update of blocked_at on mcp_data.clients
  for each row when (old.blocked_at is null and new.blocked_at is not null)
  execute function mcp_data.tell_of_blocked_client('blocked_reason');
