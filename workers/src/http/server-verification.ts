import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { metadataUrlOf } from '../protocol/server-description.ts'
import { beginVerification, type FinishVerificationOutcome, finishVerification } from '../store/verification.ts'

export type Verification =
  | { readonly outcome: 'failed'; readonly seen: string }
  | Extract<FinishVerificationOutcome, { outcome: 'verified' | 'taken_over' }>

/**
 * Fetches the document at a server's URL and gives the URL to the registration it names (HTTP-API "Proof of server_url").
 * With `server_id` only that one counts. The caller has begun the verification in the database.
 */
export async function verifyServerUrl(
  c: Context<AppEnv>,
  server_url: string,
  server_id?: string,
): Promise<Verification> {
  const { readServerProof, config, store, requestFacts } = c.var
  const metadata_url = metadataUrlOf(server_url)
  const proof = await readServerProof({ metadata_url, resource: server_url, issuer: config.issuer })
  if (proof.outcome === 'failed') return proof
  if (server_id !== undefined && proof.server_id !== server_id) {
    return { outcome: 'failed', seen: `auth_agent_server_id is "${proof.server_id}"; it must be "${server_id}"` }
  }
  const finished = await finishVerification(store, {
    p_server_id: proof.server_id,
    p_server_url: server_url,
    p_request: requestFacts,
  })
  if (finished.outcome === 'verified' || finished.outcome === 'taken_over') return finished
  const seen =
    finished.outcome === 'holder_stands'
      ? 'another registration was proven while this proof was under way'
      : `auth_agent_server_id is "${proof.server_id}", which is no registration of this URL`
  return { outcome: 'failed', seen }
}

/** Tries the proof of a URL that an authorization is for: at most once a minute, whoever asks. */
export async function verifyOnTheSpot(c: Context<AppEnv>, server_url: string): Promise<boolean> {
  const begun = await beginVerification(c.var.store, { p_server_id: null, p_server_url: server_url, p_caller: null })
  if (begun.outcome !== 'due') return false
  const { outcome } = await verifyServerUrl(c, server_url)
  return outcome !== 'failed'
}
