import * as z from 'zod/mini'
import type { ReaderSettings } from './document-reader.ts'
import { checkDocumentUrl } from './document-url.ts'
import { fetchJson } from './fetch-document.ts'

/** Where a server says what it is (RFC 9728 §3.1), and what must stand there. */
export type ProofPlace = {
  readonly metadata_url: string
  readonly resource: string
  readonly issuer: string
}

export type ServerProof =
  /** The one registration that the document names. */
  | { readonly outcome: 'named'; readonly server_id: string }
  /** What was seen, for the owner to read. */
  | { readonly outcome: 'failed'; readonly seen: string }

export type ReadServerProof = (place: ProofPlace) => Promise<ServerProof>

const proofBytes = 65_536
const serverId = /^srv_[0-9A-Za-z]{22}$/
const members = z.record(z.string(), z.unknown())
const strings = z.array(z.string())

function failed(seen: string): ServerProof {
  return { outcome: 'failed', seen }
}

/** What stands in a member, short and plain enough for an answer. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** Judges the document word for word: exactly this resource, this issuer, and one registration (J9, J13). */
function judge(json: unknown, { resource, issuer }: ProofPlace): ServerProof {
  const document = members.safeParse(json)
  if (!document.success) return failed('the document is not a JSON object')
  const { resource: seen, authorization_servers, auth_agent_server_id } = document.data
  if (seen !== resource) return failed(`resource is ${shown(seen)}; it must be ${shown(resource)}`)
  const servers = strings.safeParse(authorization_servers)
  if (!servers.success || !servers.data.includes(issuer)) {
    return failed(`authorization_servers is ${shown(authorization_servers)}; it must contain ${shown(issuer)}`)
  }
  if (typeof auth_agent_server_id !== 'string' || !serverId.test(auth_agent_server_id)) {
    return failed(`auth_agent_server_id is ${shown(auth_agent_server_id)}; it must be the id of the registration`)
  }
  return { outcome: 'named', server_id: auth_agent_server_id }
}

/** What may be told of a request that failed: what the host answered, never what the network said (THREATS E19). */
function tellable(detail: string): string {
  return /^(?:the answer|no complete answer|the name|the budget)/.test(detail)
    ? detail
    : 'the host could not be reached'
}

/**
 * Reads the proof of a server's URL under the policy for strangers' documents (SECURITY §24, J12). Never from a memory: a
 * proof counts at the moment it is asked for.
 */
export function createServerProof(settings: ReaderSettings): ReadServerProof {
  return async (place) => {
    const checked = checkDocumentUrl(place.metadata_url, settings.policy)
    if (checked.outcome === 'refused') return failed(`the address of the document cannot be called: ${checked.problem}`)
    const { host } = checked.url
    if (!settings.budget.take(host, settings.nowSeconds())) return failed('the budget of calls to this host is spent')
    const fetched = await fetchJson(checked, proofBytes, settings)
    settings.budget.report(host, settings.nowSeconds(), fetched.outcome === 'unavailable' ? 'failed' : 'succeeded')
    if (fetched.outcome === 'fetched') return judge(fetched.json, place)
    return failed(fetched.outcome === 'invalid' ? fetched.detail : tellable(fetched.detail))
  }
}
