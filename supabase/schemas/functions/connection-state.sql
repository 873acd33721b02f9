-- A connection with everything its life depends on: account, client, server, issuer epoch (SECURITY §21, G13, H14, M12).
-- Internal. `refusal` is null while all of them are alive, else the stable reason; every token function asks this one, so
-- that a kill switch cannot be forgotten in one of them.
create or replace function mcp_data.connection_state(p_connection_id text) returns table (connection mcp_data.connections,
  email text, name text, registered_scopes text[], token_lifetime_seconds integer, email_is_shared boolean, issuer_epoch integer,
  client_policy_allows boolean, refusal text)
language plpgsql stable rows 1 set search_path = '' as $$
begin
  return query
  select c, a.email, a.name, coalesce(s.scope_names, '{}'), s.token_lifetime_seconds,
    c.email_shared and coalesce(s.share_email, true), e.issuer_epoch, mcp_data.client_is_allowed(s.server_id, s.client_policy,
      s.has_client_rules, c.client_id, c.client_kind, c.redirect_uri),
    case
      when c.revoked_at is not null or c.issuer_epoch <> e.issuer_epoch then 'connection_revoked'
      when c.suspended_at is not null then 'client_changed'
      when a.disabled_at is not null then 'account_disabled'
      when b.client_id_digest is not null
        or (c.client_kind = 'pre_registered' and (p.client_id is null or p.blocked_at is not null)) then 'client_blocked'
      -- A server whose URL is not proven serves its owner only (HTTP-API "Authorization").
      when c.server_id is not null and s.status <> 'verified'
        and not (s.status = 'pending' and s.owner_account_id is not distinct from c.account_id) then 'server_unavailable'
    end
  from mcp_data.connections c
  join mcp_data.accounts a on a.account_id = c.account_id
  cross join mcp_data.settings e
  left join mcp_data.servers s on s.server_id = c.server_id
  left join mcp_data.clients p on p.client_id = c.client_id and c.client_kind = 'pre_registered'
  left join mcp_data.blocked_clients b on b.client_id_digest = c.client_id_digest
  where c.connection_id = p_connection_id;
end $$;
