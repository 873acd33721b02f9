import { generateRandomState } from 'oauth4webapi'
import type { Decision, Person, Visit } from '../support/person.ts'
import { clientId } from './program.ts'

type AnyTokens = { access_token: string; refresh_token?: string | undefined; scope?: string | undefined }

type Memory<Tokens> = {
  tokens: Tokens | undefined
  verifier: string
  state: string
  visits: Visit[]
  /** What its person will decide the next time. */
  decision: Decision
}

/**
 * A program with the pre-registered client id: remembers what the MCP package gives it, and has its person open every
 * link the package asks for. `Tokens` is the package's own type.
 */
export function createProgram<Tokens extends AnyTokens>(person: Person, redirectUri: string) {
  const memory: Memory<Tokens> = {
    tokens: undefined,
    verifier: '',
    state: '',
    visits: [],
    decision: { decision: 'approve' },
  }
  const provider = {
    redirectUrl: redirectUri,
    clientMetadata: {
      client_name: 'Conformance',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => ({ client_id: clientId }),
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
