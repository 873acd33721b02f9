import type { Query } from '../../local/src/backend.ts'

/** 16 and 32 bytes that no other row has, by a number and what they are for. */
const bytes = (use: string) => `sha256(convert_to('${use} ' || n, 'UTF8'))`
const base64url = (use: string) => `translate(encode(substring(${bytes(use)} for 16), 'base64'), '+/=', '-_')`
const uuid = (use: string) => `encode(substring(${bytes(use)} for 16), 'hex')::uuid`
const hex = (use: string) => `'\\x' || encode(${bytes(use)}, 'hex')`

/** Copies the first row of a table so many times, but for these members; `n` is the number of the copy. */
function copies(table: string, rows: number, changes: Readonly<Record<string, string>>): string {
  const members = Object.entries(changes).map(([name, value]) => `'${name}', ${value}`)
  return `insert into mcp_data.${table} select (jsonb_populate_record(t, jsonb_build_object(${members.join(', ')}))).*
    from mcp_data.${table} t, generate_series(1, ${rows}) n where t.ctid = (select ctid from mcp_data.${table} limit 1)`
}

/**
 * Fills every table that grows with people, servers and connections. Each has at least one row already, made by the functions
 * themselves.
 */
export async function fillWithStrangers(query: Query, rows: number): Promise<void> {
  const server = `'srv_' || substring(encode(${bytes('server')}, 'hex') for 22)`
  const statements = [
    copies('accounts', rows, { account_id: uuid('account'), email: "'stranger-' || n || '@example.com'" }),
    `insert into mcp_data.servers (server_id, server_url, server_name, scopes, scope_names, status, verified_at)
      select ${server}, 'https://stranger-' || n || '.example/mcp', 'Strange', t.scopes, t.scope_names, 'verified', now()
      from (select * from mcp_data.servers limit 1) t, generate_series(1, ${rows}) n`,
    copies('server_keys', rows, {
      key_id: `'key_' || substring(encode(${bytes('key')}, 'hex') for 12)`,
      server_id: server,
    }),
    copies('management_tokens', rows, {
      public_part: `substring(encode(${bytes('token')}, 'hex') for 12)`,
      server_id: server,
    }),
    copies('sessions', rows, {
      session_id: uuid('session'),
      session_digest: hex('session'),
      account_id: uuid('account'),
    }),
    copies('connections', rows, {
      connection_id: base64url('connection'),
      account_id: uuid('account'),
      server_id: server,
      refresh_digest: hex('refresh'),
      refresh_kid: "'k1'",
      code_redeemed_at: 'now()',
    }),
    copies('transactions', rows, { transaction_id: base64url('transaction'), browser_digest: hex('browser') }),
    copies('email_challenges', rows, { transaction_id: base64url('transaction') }),
    copies('limits', rows, { subject_digest: hex('limit') }),
    copies('usage_days', rows, { server_id: server, client_id_digest: hex('client') }),
    copies('usage_clients', rows, { server_id: server, client_id_digest: hex('client') }),
    `insert into mcp_data.audit_events (event, account_id, server_id, connection_id)
      select 'connection.revoked', ${uuid('account')}, ${server}, ${base64url('connection')} from generate_series(1, ${rows}) n`,
    `insert into mcp_data.webhooks (webhook_id, server_id, url, kid, events)
      select 'whk_' || substring(encode(${bytes('webhook')}, 'hex') for 12), ${server}, 'https://stranger.example/hook', 'k1',
        array['connection.revoked'] from generate_series(1, ${rows}) n`,
    `insert into mcp_data.blocked_clients (client_id_digest, reason) select ${bytes('blocked')}, 'abuse' from generate_series(1, ${rows}) n`,
    `insert into mcp_data.clients (client_id, client_name, redirect_uris)
      select 'stranger_' || n, 'Strange', array['https://stranger.example/callback'] from generate_series(1, ${rows}) n`,
    `insert into mcp_data.client_assertions (assertion_digest, expires_at)
      select ${bytes('assertion')}, now() + interval '1 minute' from generate_series(1, ${rows}) n`,
  ]
  for (const statement of statements) await query(statement)
}
