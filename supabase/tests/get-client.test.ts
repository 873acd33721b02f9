import { expect, test } from 'vitest'
import { testDatabase } from './support/database.ts'
import { digest } from './support/values.ts'

const database = await testDatabase()
const getClient = (p_client_id: string) => database.call('get_client', { p_client_id })

test('found: the two pre-registered clients are public and have loopback redirects without a port (RFC 8252 §7.3)', async () => {
  for (const client_id of ['client_claude_code', 'client_install_mcp']) {
    expect(await getClient(client_id)).toMatchObject({
      outcome: 'found',
      client: {
        client_id,
        kind: 'pre_registered',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [
          'http://localhost/callback',
          'http://localhost/oauth/callback',
          'http://127.0.0.1/callback',
          'http://127.0.0.1/oauth/callback',
          'http://[::1]/callback',
          'http://[::1]/oauth/callback',
        ],
      },
    })
  }
})

test('unknown: any other id, also one that looks like SQL (N5)', async () => {
  expect(await getClient("x' or '1'='1")).toEqual({ outcome: 'unknown' })
})

test('blocked: by its row, and by the digest of its id (M12)', async () => {
  await database.query("update mcp_data.clients set blocked_at = now() where client_id = 'client_install_mcp'")
  expect(await getClient('client_install_mcp')).toEqual({ outcome: 'blocked' })
  await database.query('insert into mcp_data.blocked_clients (client_id_digest, reason) values ($1, $2)', [
    digest('client_claude_code'),
    'abuse',
  ])
  expect(await getClient('client_claude_code')).toEqual({ outcome: 'blocked' })
})
