import type { ScopeInput } from '../requests.ts'
import type { ClientName } from './clients.ts'

/** A table of what real clients do (INTEROP 4.1 to 4.8): each row holds the requests as that client sends them. */
export type Row = {
  readonly id: string
  readonly section: Section
  readonly clients: readonly [ClientName, ...ClientName[]]
  /** What the client does, in a sentence without a full stop. */
  readonly quirk: string
  /** What this server does about it, in a sentence without a full stop. */
  readonly answer: string
  /** The version of ours from which on this is so. */
  readonly since: '0.1.0'
  /** Where another answer is in use elsewhere: why it is not ours. */
  readonly decided?: string
  readonly server?: ServerInput
  /** Variables of this deployment that differ from the usual. */
  readonly variables?: Readonly<Record<string, string>>
  /** What the client hosts: its metadata document, its keys. */
  readonly hosted?: readonly Hosted[]
  /** A PKCE verifier of this client's own kind. */
  readonly verifier?: string
  readonly steps: readonly [Step, ...Step[]]
}

export type Section = '4.1' | '4.2' | '4.3' | '4.4' | '4.5' | '4.6' | '4.7' | '4.8'

export type ServerInput = {
  /** Of the MCP endpoint; `/mcp` unless said otherwise. */
  readonly path?: string
  readonly scopes?: readonly ScopeInput[]
}

export type Hosted = {
  readonly url: string
  readonly type?: string
  readonly status?: number
  /** `{keys}` stands for the public keys of this row's client. */
  readonly body: Json | '{keys}'
}

export type Json = Readonly<Record<string, unknown>>

/** By name; a list is a parameter that is sent several times. `{name}` in any text stands for a value learnt before. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

export type Step = Ask | Burst | Visit | Later

/** One HTTP request, and what the answer must be. */
export type Ask = {
  readonly does: 'ask'
  /** The authorization server, the MCP server behind our SDK, or the authorization server while its database is away. */
  readonly at: 'issuer' | 'server' | 'issuer without database'
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: Json
  readonly form?: Fields
  readonly expect: Expected
}

/** The same request from several processes at once: each is answered, and with the same refresh token. */
export type Burst = { readonly does: 'burst'; readonly times: number; readonly ask: Ask }

/** The person's browser at /authorize, signed in where that is asked for, and what the person does there. */
export type Visit = {
  readonly does: 'visit'
  readonly query: Fields
  readonly expect: Landing
}

/** Time passes for the connection whose refresh token was learnt last. */
export type Later = { readonly does: 'wait'; readonly seconds: number }

export type Landing =
  /** The consent page shows these texts; the person ticks these scopes (all of them unless said) and approves. */
  | { readonly consent: readonly string[]; readonly tick?: readonly string[] }
  /** An error comes back to the client. */
  | { readonly error: string; readonly reason: string }
  /** A page of ours that names the reason, with these texts, and no redirect. */
  | { readonly page: string; readonly says?: readonly string[] }

export type Expected = {
  readonly status: number
  /** null: the header must not be there. */
  readonly headers?: Readonly<Record<string, string | null>>
  /** Members the JSON must have, with these values. */
  readonly json?: Json
  /** Members it must not have. */
  readonly without?: readonly string[]
  /** Texts of the body, and texts that must not be in it. */
  readonly contains?: readonly string[]
  readonly lacks?: readonly string[]
  /** Values to learn: name of the value, member of the JSON. */
  readonly learn?: Readonly<Record<string, string>>
  /** Tokens with this scope, for this resource; a token of the MCP server is tried there. */
  readonly tokens?: { readonly scope: string; readonly audience: string }
}
