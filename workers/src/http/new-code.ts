import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestToStore } from '../crypto/digest.ts'
import { newConnectionId, newSecret } from '../crypto/random.ts'
import { formatAuthorizationCode } from '../protocol/authorization-code.ts'

/** A code made before the decision: the database keeps its digest with the connection, or forgets both. */
export type CandidateCode = {
  readonly code: string
  readonly connection_id: string
  readonly code_digest: string
  readonly kid: string
}

export async function newCandidateCode(c: Context<AppEnv>): Promise<CandidateCode> {
  const connection_id = newConnectionId()
  const code = formatAuthorizationCode(connection_id, newSecret())
  const stored = await digestToStore(c.var.config.tokenPeppers, 'code', code)
  return { code, connection_id, code_digest: stored.digest, kid: stored.kid }
}
