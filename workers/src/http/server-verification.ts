import type { Context } from 'hono'
import type { AppEnv, AppVariables } from '../context.ts'
import { takeoverMail } from '../pages/mails.ts'
import { canonicalUrl, isLoopbackHost } from '../protocol/resource.ts'
import { metadataUrlOf } from '../protocol/server-description.ts'
import { beginVerification, type FinishVerificationOutcome, finishVerification } from '../store/verification.ts'
import { countFetch } from './known-client.ts'
import { frameIn, mailLater } from './mail-later.ts'

export type Verification =
  | { readonly outcome: 'failed'; readonly seen: string }
  | Extract<FinishVerificationOutcome, { outcome: 'verified' | 'taken_over' }>

/** A try that was begun in the database. With `server_id` only that registration counts. */
export type Begun = { readonly server_url: string; readonly begun_at: string; readonly server_id?: string }

/**
 * Fetches the document at a server's URL and gives the URL to the registration it names (HTTP-API "Proof of server_url").
 * @throws OAuthError rate_limited when this address has caused too many calls to strangers
 */
export async function verifyServerUrl(
  c: Context<AppEnv>,
  { server_url, begun_at, server_id }: Begun,
): Promise<Verification> {
  const { readServerProof, config, store, requestFacts } = c.var
  await countFetch(c)
  const metadata_url = metadataUrlOf(server_url)
  const proof = await readServerProof({ metadata_url, resource: server_url, issuer: config.issuer, server_id })
  if (proof.outcome === 'failed') return proof
  const finished = await finishVerification(store, {
    p_server_id: proof.server_id,
    p_server_url: server_url,
    p_proof: { method: proof.method, named: proof.named, looked: proof.looked, seen: proof.seen },
    p_request: requestFacts,
    p_begun_at: begun_at,
  })
  switch (finished.outcome) {
    case 'taken_over':
      tellOwners(c, finished)
      return finished
    case 'verified':
      return finished
    case 'holder_stands':
      return failed(proof.seen, 'another registration holds this URL, and its own proof has not failed at this moment')
    case 'superseded':
      return failed(proof.seen, 'the proof was tried again meanwhile, and the later try counts')
    case 'not_found':
      return failed(proof.seen, 'this names no registration of this URL that waits')
  }
}

function failed(seen: string, what: string): Verification {
  return { outcome: 'failed', seen: `${seen}; ${what}` }
}

type Takeover = Extract<FinishVerificationOutcome, { outcome: 'taken_over' }>

/** Both sides of a takeover are told; whoever holds a management token alone has no address, and finds the event. */
function tellOwners(c: Context<AppEnv>, { server, from, owner, former_owner }: Takeover): void {
  const { server_url, server_id: to } = server
  const facts = { server_url, metadata_url: metadataUrlOf(server_url), from, to }
  const tell = (side: 'lost' | 'gained', told: Takeover['owner']) => {
    if (told === undefined) return
    mailLater(c, told.email, takeoverMail(frameIn(c, told.language), side, facts))
  }
  tell('gained', owner)
  tell('lost', former_owner)
}

/** Tries the proof of a URL that an authorization is for: at most once a minute, whoever asks. */
export async function verifyOnTheSpot(c: Context<AppEnv>, server_url: string): Promise<Verification | undefined> {
  const begun = await beginVerification(c.var.store, {
    p_server_id: null,
    p_server_url: server_url,
    p_caller: null,
    p_request: c.var.requestFacts,
  })
  return begun.outcome === 'due' ? verifyServerUrl(c, { server_url, begun_at: begun.begun_at }) : undefined
}

/** Loopback servers of a loopback issuer need no proof; all others wait for theirs. */
export function initialStatus(
  { issuerIsLoopback }: AppVariables['config'],
  server_url: string,
): 'pending' | 'verified' {
  return issuerIsLoopback && isLoopbackHost(canonicalUrl(server_url)?.host ?? '') ? 'verified' : 'pending'
}
