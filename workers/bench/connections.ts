/** Makes many connections out of one that was really approved, because ten thousand sign-ins would be the benchmark of something else. */
import { randomBytes } from 'node:crypto'
import type { Query } from 'auth-agent-mcp-local/src/backend.ts'
import { digestToStore, type KeyRing } from '../src/crypto/digest.ts'
import { formatAuthorizationCode, parseAuthorizationCode } from '../src/protocol/authorization-code.ts'
import { formatRefreshToken } from '../src/protocol/refresh-token.ts'

export type Template = { query: Query; peppers: KeyRing; code: string }

const copyRows = `insert into mcp_data.connections
  select copied.* from mcp_data.connections template, jsonb_array_elements($1::jsonb) changes,
    lateral jsonb_populate_record(template, changes) copied
  where template.connection_id = $2`

async function copy({ query, code }: Template, changes: object[]): Promise<void> {
  const connection_id = parseAuthorizationCode(code)?.connection_id
  if (connection_id === undefined) throw new Error('the template is no code of ours')
  await query(copyRows, [JSON.stringify(changes), connection_id])
}

function newIds(count: number): { connection_id: string; secret: string }[] {
  return Array.from({ length: count }, () => ({
    connection_id: randomBytes(16).toString('base64url'),
    secret: randomBytes(32).toString('base64url'),
  }))
}

/** Codes that can each be exchanged once, within the next hour instead of the next minute. */
export async function makeCodes(template: Template, count: number): Promise<string[]> {
  const code_expires_at = new Date(Date.now() + 3_600_000).toISOString()
  const made = newIds(count).map(({ connection_id, secret }) => ({
    connection_id,
    code: formatAuthorizationCode(connection_id, secret),
  }))
  const changes = await Promise.all(
    made.map(async ({ connection_id, code }) => {
      const { digest, kid } = await digestToStore(template.peppers, 'code', code)
      return { connection_id, code_digest: digest, code_kid: kid, code_expires_at, code_redeemed_at: null }
    }),
  )
  await copy(template, changes)
  return made.map(({ code }) => code)
}

/** Refresh tokens of connections whose code was redeemed a moment ago. */
export async function makeRefreshTokens(template: Template, count: number): Promise<string[]> {
  const code_redeemed_at = new Date().toISOString()
  const made = newIds(count).map(({ connection_id, secret }) => ({
    connection_id,
    token: formatRefreshToken(connection_id, 1, secret),
  }))
  const changes = await Promise.all(
    made.map(async ({ connection_id, token }) => {
      const { digest, kid } = await digestToStore(template.peppers, 'refresh', token)
      return { connection_id, generation: 1, refresh_digest: digest, refresh_kid: kid, code_redeemed_at }
    }),
  )
  await copy(template, changes)
  return made.map(({ token }) => token)
}
