import { keyId, keyWithId, signingKey } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import * as z from 'zod/mini'
import * as values from '../src/config-values.ts'
import { Sentence } from './report.ts'

/** What the Worker's keys are called in the database and in its configuration. */
export const kinds = {
  token_peppers: 'TOKEN_PEPPERS',
  cookie_keys: 'COOKIE_KEYS',
  signing_keys: 'SIGNING_KEYS',
  registration_keys: 'REGISTRATION_KEYS',
} as const

export type Kind = keyof typeof kinds

export function kindOf(text: string | undefined): Kind {
  const kind = Object.keys(kinds).find((name): name is Kind => name === text?.toLowerCase())
  if (kind === undefined) throw new Sentence(`Say which keys: ${Object.keys(kinds).join(', ')}.`)
  return kind
}

/** A set of keys as a variable holds it; of `published` signing keys the variable itself says that they do not sign yet. */
export type KeySet = {
  readonly text: string
  readonly kids: readonly string[]
  readonly published: readonly string[]
}

/**
 * Reads a variable by the rules of the Worker's own start (SECURITY §7).
 * @throws Sentence that names the variable, never its value
 */
export function readKeySet(kind: Kind, text: string | undefined): KeySet {
  const reading = text === undefined ? { problem: 'is missing' } : readKeys(kind, text)
  if ('problem' in reading) throw new Sentence(`${kinds[kind]} ${reading.problem}.`)
  return { text: text ?? '', ...reading.value }
}

function readKeys(kind: Kind, text: string): values.Reading<Omit<KeySet, 'text'>> {
  if (kind === 'signing_keys') {
    const keys = values.readSigningKeys(text)
    if ('problem' in keys) return keys
    const published = keys.value.filter(({ status }) => status === 'next').map(({ kid }) => kid)
    return { value: { kids: keys.value.map(({ kid }) => kid), published } }
  }
  const keys = kind === 'registration_keys' ? values.readSealKeys(text) : values.readKeyRing(text)
  return 'problem' in keys ? keys : { value: { kids: keys.value.map(({ kid }) => kid), published: [] } }
}

const jwks = z.array(z.record(z.string(), z.unknown()))
type Jwk = z.infer<typeof jwks>[number]

function changeJwks(text: string, change: (keys: readonly Jwk[]) => readonly Jwk[]): string {
  return JSON.stringify(change(jwks.parse(JSON.parse(text))))
}

/** Makes a new key; its id is known before anything is written. */
export function newKid(): string {
  return keyId()
}

/**
 * The variable with a new key. `next` only makes it known: other isolates, and whoever checks signatures, learn of it first.
 * The first of a list writes, so there it comes last.
 */
export async function withKey(kind: Kind, text: string, kid: string, use: 'next' | 'now'): Promise<string> {
  if (kind !== 'signing_keys') {
    const keys = [text.trim(), keyWithId(kid)]
    return (use === 'next' ? keys : keys.toReversed()).join(',')
  }
  const key = { ...(await signingKey(kid)), ...(use === 'next' && { status: 'next' }) }
  return changeJwks(text, (keys) => [key, ...keys])
}

function entriesOf(text: string): readonly string[] {
  return text.split(',').map((entry) => entry.trim())
}

export function withKeyInUse(kind: Kind, text: string, kid: string): string {
  if (kind !== 'signing_keys') {
    const isIt = (entry: string) => entry.startsWith(`${kid}:`)
    const entries = entriesOf(text)
    return [...entries.filter(isIt), ...entries.filter((entry) => !isIt(entry))].join(',')
  }
  return changeJwks(text, (keys) =>
    keys.map(({ status, ...key }) => (key.kid === kid || status === undefined ? key : { ...key, status })),
  )
}

export function withoutKey(kind: Kind, text: string, kid: string): string {
  if (kind === 'signing_keys') return changeJwks(text, (keys) => keys.filter((key) => key.kid !== kid))
  return entriesOf(text)
    .filter((entry) => !entry.startsWith(`${kid}:`))
    .join(',')
}
