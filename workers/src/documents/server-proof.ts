import * as z from 'zod/mini'
import type { ReaderSettings } from './document-reader.ts'
import { checkDocumentUrl } from './document-url.ts'
import { callHost } from './host-budget.ts'
import { NameRefused, type ResolveText } from './resolve.ts'

/** Where a server says what it is (RFC 9728 §3.1), and what must stand there. */
export type ProofPlace = {
  readonly metadata_url: string
  readonly resource: string
  readonly issuer: string
  /** The only registration that counts; absent: whichever is named. */
  readonly server_id?: string | undefined
}

export type ServerProof =
  /** A registration is named: the one that counts, or (null) any of `named`. */
  | {
      readonly outcome: 'named'
      readonly server_id: string | null
      readonly method: 'document' | 'dns'
      /** Every registration that the document and the text records name at this moment. */
      readonly named: readonly string[]
      /** The ways that were looked at and have answered: another registration may be proven by one of the others. */
      readonly looked: readonly ('document' | 'dns')[]
      readonly seen: string
    }
  /** What was seen, word for word, for the owner to read; not `definite` where the trouble was ours. */
  | { readonly outcome: 'failed'; readonly seen: string; readonly definite: boolean }

export type ReadServerProof = (place: ProofPlace) => Promise<ServerProof>

/** With a resolver, a text record counts as well as the document. */
export type ProofSettings = ReaderSettings & { readonly resolveText?: ResolveText }

/**
 * What one of the two ways has shown. `definite`: that nothing is named counts against the server. `answered`: nothing else is
 * named there either.
 */
type Look = {
  readonly ids: readonly string[]
  readonly seen: string
  readonly definite: boolean
  readonly answered: boolean
}

const proofBytes = 65_536
const serverId = /^srv_[0-9A-Za-z]{22}$/
const members = z.record(z.string(), z.unknown())
const strings = z.array(z.string())

/** Of more records than that nobody needs to hear. */
const recordsShown = 10

/** What stands in a member, short enough for an answer. */
function shown(value: unknown): string {
  // By character: half of one is no text that could be kept.
  const [...text] = JSON.stringify(value) ?? 'absent'
  return text.length > 200 ? `${text.slice(0, 200).join('')}…` : text.join('')
}

function isRegistration(value: unknown, expected: string | undefined): value is string {
  return typeof value === 'string' && serverId.test(value) && (expected === undefined || value === expected)
}

/** Judges the document word for word: exactly this resource, this issuer, and one registration (J9, J13). */
function judge(json: unknown, { resource, issuer, server_id }: ProofPlace): Pick<Look, 'ids' | 'seen'> {
  const document = members.safeParse(json)
  if (!document.success) return { ids: [], seen: 'the document was not a JSON object' }
  const { resource: seen, authorization_servers, auth_agent_server_id: named } = document.data
  const servers = strings.safeParse(authorization_servers)
  // All that differs, so that one look is enough to mend it.
  const differences: string[] = []
  const differs = (name: string, value: unknown, expected: string) =>
    differences.push(`${name} was ${shown(value)}, expected ${expected}`)
  if (seen !== resource) differs('resource', seen, shown(resource))
  if (!servers.success || !servers.data.includes(issuer)) {
    differs('authorization_servers', authorization_servers, `an array with ${shown(issuer)}`)
  }
  const others = differences.length
  if (!isRegistration(named, server_id)) {
    differs('auth_agent_server_id', named, server_id === undefined ? 'the id of the registration' : shown(server_id))
  }
  // Another registration that it names is proven by it all the same.
  const ids = others === 0 && isRegistration(named, undefined) ? [named] : []
  return { ids, seen: differences.length === 0 ? `auth_agent_server_id was ${shown(named)}` : differences.join('; ') }
}

async function lookAtDocument(place: ProofPlace, settings: ProofSettings): Promise<Look> {
  const { metadata_url } = place
  const failed = (what: string, definite = true): Look => ({
    ids: [],
    seen: `We ${what}`,
    definite,
    answered: definite,
  })
  const checked = checkDocumentUrl(metadata_url, settings.policy)
  if (checked.outcome === 'refused') return failed(`did not fetch ${metadata_url}: ${checked.problem}`)
  const fetched = await callHost(checked, proofBytes, settings)
  switch (fetched.outcome) {
    case 'spent':
      return failed(`did not fetch ${metadata_url}: ${fetched.detail}, try again in a minute`, false)
    case 'unavailable':
      return failed(`fetched ${metadata_url}: ${fetched.told}`)
    case 'invalid':
      return failed(`fetched ${metadata_url}: status 200; ${fetched.detail}`)
    case 'fetched': {
      const { ids, seen } = judge(fetched.json, place)
      return { ids, seen: `We fetched ${metadata_url}: status 200; ${seen}`, definite: true, answered: true }
    }
  }
}

/** DNS TXT `_auth-agent.<host>`: whoever decides about the host's names may name registrations of any path on it (J13). */
async function lookAtText({ resource, server_id }: ProofPlace, resolveText: ResolveText): Promise<Look> {
  const name = `_auth-agent.${new URL(resource).hostname}`
  try {
    const records = await resolveText(name, AbortSignal.timeout(5_000))
    const what = records.length === 0 ? 'no record' : records.slice(0, recordsShown).map(shown).join(', ')
    const expected = server_id === undefined || records.includes(server_id) ? '' : `, expected ${shown(server_id)}`
    return {
      ids: records.filter((record) => serverId.test(record)),
      seen: `We asked for TXT ${name}: ${what}${expected}`,
      definite: true,
      answered: true,
    }
  } catch (error) {
    const isRefused = error instanceof NameRefused
    const what = isRefused ? error.message : 'the resolver gave no answer'
    return { ids: [], seen: `We asked for TXT ${name}: ${what}`, definite: isRefused, answered: false }
  }
}

/** An address has no names below it. */
function isAddress(resource: string): boolean {
  return /^(?:[0-9.]+|\[.*\])$/.test(new URL(resource).hostname)
}

const nothing: Look = { ids: [], seen: '', definite: true, answered: false }

const ways = ['document', 'dns'] as const

/**
 * Reads the proof of a server's URL under the policy for strangers' documents (SECURITY §24, J12): its document, and where a
 * resolver is configured the text records of its host. Never from a memory: a proof counts at the moment it is asked for.
 */
export function createServerProof(settings: ProofSettings): ReadServerProof {
  const { resolveText } = settings
  return async (place) => {
    const [document, text] = await Promise.all([
      lookAtDocument(place, settings),
      resolveText === undefined || isAddress(place.resource) ? nothing : lookAtText(place, resolveText),
    ])
    const seen = [document.seen, text.seen].filter((one) => one !== '').join('. ')
    const named = [...document.ids, ...text.ids]
    const counts = (id: string) => place.server_id === undefined || id === place.server_id
    const method = document.ids.some(counts) ? 'document' : text.ids.some(counts) ? 'dns' : undefined
    if (method === undefined) return { outcome: 'failed', seen, definite: document.definite && text.definite }
    const [only = null] = method === 'document' ? document.ids.filter(counts) : []
    const looked = ways.filter((way) => ({ document, dns: text })[way].answered)
    return { outcome: 'named', server_id: place.server_id ?? only, method, named, looked, seen }
  }
}
