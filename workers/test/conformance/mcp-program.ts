import { generateRandomState } from 'oauth4webapi'
import type { Decision, Person, Visit } from '../support/person.ts'
import type { DocumentHost } from './document-host.ts'
import { place } from './place.ts'
import { clientId, post, refresh } from './program.ts'

type AnyTokens = { access_token: string; refresh_token?: string | undefined; scope?: string | undefined }

type ClientInformation = { client_id: string; client_secret?: string | undefined }

/** How a program comes by its client_id: it was given one, it has a document, or it registers itself. */
export type Identity =
  | { readonly kind: 'pre_registered' }
  | { readonly kind: 'metadata_document'; readonly url: string }
  | { readonly kind: 'dynamic' }

type Memory<Tokens> = {
  client: ClientInformation | undefined
  tokens: Tokens | undefined
  verifier: string
  state: string
  visits: Visit[]
  /** What its person will decide the next time. */
  decision: Decision
}

const name = 'Conformance program'

const metadataOf = (redirectUri: string) => ({
  client_name: name,
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
})

/** Makes the identity of a new program; a document is published with it. */
export function identify(kind: Identity['kind'], host: DocumentHost, redirectUri: string): Identity {
  if (kind !== 'metadata_document') return { kind }
  return { kind, url: host.publish('client.json', (url) => ({ client_id: url, ...metadataOf(redirectUri) })) }
}

/** What the consent page says about who the program is. */
export function proofShown(identity: Identity): string {
  if (identity.kind === 'metadata_document') return `${name}published by ${new URL(identity.url).host}`
  return identity.kind === 'dynamic' ? `${name}name not verified` : `registered with ${new URL(place.issuer).host}`
}

/**
 * A program that knows who it is: remembers what the MCP package gives it, and has its person open every link the package
 * asks for. `Tokens` is the package's own type.
 */
export function createProgram<Tokens extends AnyTokens>(person: Person, redirectUri: string, identity: Identity) {
  const memory: Memory<Tokens> = {
    client: identity.kind === 'pre_registered' ? { client_id: clientId } : undefined,
    tokens: undefined,
    verifier: '',
    state: '',
    visits: [],
    decision: { decision: 'approve' },
  }
  const provider = {
    redirectUrl: redirectUri,
    clientMetadata: metadataOf(redirectUri),
    ...(identity.kind === 'metadata_document' && { clientMetadataUrl: identity.url }),
    clientInformation: () => memory.client,
    saveClientInformation: (client: ClientInformation) => {
      memory.client = client
    },
    state: () => {
      memory.state = generateRandomState()
      return memory.state
    },
    tokens: () => memory.tokens,
    saveTokens: (tokens: Tokens) => {
      memory.tokens = tokens
    },
    saveCodeVerifier: (verifier: string) => {
      memory.verifier = verifier
    },
    codeVerifier: () => memory.verifier,
    redirectToAuthorization: async (url: URL) => {
      memory.visits.push(await person.authorize(url, memory.decision))
    },
    invalidateCredentials: (kind: string) => {
      if (kind === 'all' || kind === 'tokens') memory.tokens = undefined
      if (kind === 'all' || kind === 'client') memory.client = undefined
    },
  }
  return { memory, provider }
}

/** The newest callback, with its state checked, which the packages leave to the program. */
export function callbackOf(memory: { visits: Visit[]; state: string }): URLSearchParams {
  const parameters = memory.visits.at(-1)?.landed.searchParams ?? new URLSearchParams()
  if (parameters.get('state') !== memory.state) throw new Error(`the callback carries another state: ${parameters}`)
  return parameters
}

/** The access token dies, as it does after an hour; gives the tokens as they were. */
export function spoilAccessToken<Tokens extends AnyTokens>(memory: Memory<Tokens>): Tokens {
  const before = memory.tokens
  if (before === undefined) throw new Error('the program has no tokens')
  memory.tokens = { ...before, access_token: `${before.access_token.slice(0, -6)}AAAAAA` }
  return before
}

/** The person's connection ends, and with it every token of the program. */
export async function revokeConnection<Tokens extends AnyTokens>(memory: Memory<Tokens>): Promise<void> {
  const client_id = memory.client?.client_id
  // A token the example has not seen: it may remember one for half a minute (SECURITY §22).
  const { body } = await refresh(memory.tokens?.refresh_token, { client_id })
  memory.tokens = body as Tokens
  await post('/revoke', { token: String(body.refresh_token), client_id })
}

/** A fetch that notes every request as `METHOD path status`. */
export function recordFetch(): { wire: string[]; fetch: (url: string | URL, init?: RequestInit) => Promise<Response> } {
  const wire: string[] = []
  return {
    wire,
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      wire.push(`${init?.method ?? 'GET'} ${new URL(url).pathname} ${response.status}`)
      return response
    },
  }
}
