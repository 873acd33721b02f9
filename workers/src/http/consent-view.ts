import type { ClientProof } from '../pages/client-proof.tsx'
import type { ConsentView, EmailGoesTo } from '../pages/consent.tsx'
import type { Parties, RedirectTarget } from '../pages/consent-parties.tsx'
import type { ScopeView } from '../pages/consent-scopes.tsx'
import { borrowedName } from '../protocol/known-programs.ts'
import type { ClientSnapshot, Transaction } from '../store/rows.ts'

const secondsPerDay = 86_400

/** Host with port; the parser has turned a Unicode host into its A-label (B21). */
export function hostOf(url: string): string {
  return new URL(url).host
}

/** What vouches for a client's name. Only a document on its own host, or we ourselves, count (B20). */
export function clientProof(client: ClientSnapshot): ClientProof {
  if (client.kind === 'pre_registered') return { kind: 'registered' }
  if (client.kind !== 'metadata_document') return { kind: 'unverified' }
  const host = hostOf(client.client_id)
  const name = borrowedName(client.client_name, new URL(client.client_id).hostname)
  return name === undefined ? { kind: 'published', host } : { kind: 'borrowed', host, name }
}

export function redirectTarget(redirectUri: string): RedirectTarget {
  const { protocol, host } = new URL(redirectUri)
  if (protocol === 'https:') return { kind: 'https', host }
  if (protocol === 'http:') return { kind: 'loopback', host }
  return { kind: 'private_use', scheme: protocol.slice(0, -1) }
}

function parties(transaction: Transaction, email: string): Parties {
  const { client, server } = transaction
  return {
    client: { name: client.client_name, proof: clientProof(client) },
    redirect: redirectTarget(transaction.redirect_uri),
    server: server && {
      name: server.server_name,
      host: hostOf(server.server_url),
      description: server.description ?? null,
    },
    email,
  }
}

/** Introspection gives the e-mail to a server; userinfo gives it to whoever holds a token with `openid email`. */
export function emailGoesTo({ server, identity_scopes }: Transaction): EmailGoesTo {
  const isInUserinfo = identity_scopes.includes('openid') && identity_scopes.includes('email')
  if (isInUserinfo) return server === null ? 'program' : 'both'
  return server?.share_email === true ? 'server' : 'nobody'
}

function scopeViews({ server, step_up, connected_scopes }: Transaction): readonly ScopeView[] {
  return (server?.scopes ?? []).map(({ name, description, required }) => ({
    name,
    description: description === '' ? null : description,
    required,
    isNew: step_up && !connected_scopes.includes(name),
  }))
}

type FromTransaction = Omit<ConsentView, 'frame' | 'ticket' | 'switchAccount' | 'problem' | 'domains'>

/** The facts of the consent page: nothing here comes from the request, all of it from the transaction's row (A28). */
export function consentFacts(transaction: Transaction, email: string): FromTransaction {
  const { identity_scopes, access_seconds, step_up } = transaction
  return {
    parties: parties(transaction, email),
    scopes: scopeViews(transaction),
    emailGoesTo: emailGoesTo(transaction),
    sharesProfile: identity_scopes.includes('openid') && identity_scopes.includes('profile'),
    accessDays: Math.max(1, Math.ceil(access_seconds / secondsPerDay)),
    stepUp: step_up,
  }
}
