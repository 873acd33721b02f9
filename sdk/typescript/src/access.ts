import * as answers from './answers.ts'
import { assertNever } from './assert-never.ts'
import type { Config } from './config.ts'
import { type HeaderList, withCors } from './cors.ts'
import { filterAnswer } from './filter-answer.ts'
import type { IncomingRequest } from './incoming.ts'
import { createListFilter, type ListFilter } from './list-filter.ts'
import type { Report } from './report.ts'
import type { Resource } from './resource.ts'
import { type Message, readMessages } from './rpc-messages.ts'
import { hasTables, scopesOfMessage } from './rpc-scopes.ts'
import { heldScopes, holdsAll, joinScopes } from './scopes.ts'
import type { User } from './user.ts'

/** What a request that may pass has been granted. */
export type Access = Readonly<{
  user: User
  /** The scopes of the token with all they imply. */
  scopes: ReadonlySet<string>
  /** The registered URL of this server, for which the token was issued. */
  serverUrl: string
  /** Where the RFC 9728 metadata is. */
  metadataUrl: string
  /** Headers that the handler's answer gets too, unless it has its own. */
  headers: HeaderList
  /** The 403 to send where these scopes are not held, together with the ones every request needs. */
  refuseWithout: (scopes: readonly string[]) => Response | undefined
  /** How lists in the handler's answer are cut down; undefined where nothing is. */
  listFilter: ListFilter | undefined
  /** The handler's answer with `headers` and `listFilter` applied. */
  finish: (response: Response) => Response | Promise<Response>
}>

/** What is to be done with a request. */
export type Decision =
  | Readonly<{ outcome: 'answer'; response: Response }> // send this; the handler must not run
  | Readonly<{ outcome: 'allowed'; access: Access }>

export type Granted = Readonly<{
  user: User
  resource: Resource
  headers: HeaderList
  config: Config
  report: Report
}>

/** What a live token may do, or the answer that refuses it for want of a scope that this request needs. */
export function grantAccess(request: IncomingRequest, granted: Granted): Decision | Promise<Decision> {
  return hasTables(granted.config) ? readAndGrant(request, granted) : decideAccess(granted, [])
}

async function readAndGrant(request: IncomingRequest, granted: Granted): Promise<Decision> {
  const { config, headers } = granted
  const answer = (response: Response) => answerWith(response, headers)
  const read = await readMessages(request, config.maxBodyBytes)
  switch (read.outcome) {
    case 'read':
      return decideAccess(granted, read.messages)
    case 'too_large':
      return answer(answers.refuse(413, 'too_large', 'The request body is too large.'))
    case 'encoded':
      return answer(answers.refuse(415, 'unsupported', 'Send the request body without Content-Encoding.'))
    case 'foreign_charset':
      return answer(answers.refuse(415, 'unsupported', 'Send the request body in UTF-8.'))
    case 'consumed':
      granted.report('body_consumed')
      return answer(answers.refuse(500, 'server_error', 'This server has lost the request body.'))
    case 'broken':
      return answer(answers.refuse(400, 'invalid_request', 'The request body ended early.'))
    case 'not_json':
      return answer(answers.refuseMessage(400, -32700, 'Parse error: the body is not JSON', null))
    case 'header_mismatch': {
      const message = `Header mismatch: ${read.header} does not match the body`
      return answer(answers.refuseMessage(400, -32020, message, read.id))
    }
    default:
      return assertNever(read)
  }
}

/** The decision to send this, with the headers of every answer. */
export function answerWith(response: Response, headers: HeaderList): Decision {
  return { outcome: 'answer', response: withCors(response, headers) }
}

// A remembered token has one user object: what its scopes imply, and what it may do without a body, is made once.
const heldOf = new WeakMap<User, ReadonlySet<string>>()
const allowedOf = new WeakMap<User, Extract<Decision, { outcome: 'allowed' }>>()

function decideAccess(granted: Granted, messages: readonly Message[]): Decision {
  const { user, headers, config } = granted
  const known = messages.length === 0 ? allowedOf.get(user) : undefined
  if (known?.access.headers === headers) return known
  const access = makeAccess(granted, messages)
  const refusal = access.refuseWithout(messages.flatMap((message) => scopesOfMessage(message, config)))
  if (refusal !== undefined) return { outcome: 'answer', response: refusal }
  const decision = Object.freeze({ outcome: 'allowed' as const, access })
  if (messages.length === 0) allowedOf.set(user, decision)
  return decision
}

function makeAccess(granted: Granted, messages: readonly Message[]): Access {
  const { user, resource, headers, config, report } = granted
  const { serverUrl, metadataUrl } = resource
  const scopes = heldOf.get(user) ?? heldScopes(user.scopes, config.scopeImplications)
  heldOf.set(user, scopes)
  const refuseWithout = (extra: readonly string[]) => {
    // All that this request needs in one challenge: asking piece by piece costs the person a consent page each time.
    const needed = extra.length === 0 ? config.requiredScopes : joinScopes(config.requiredScopes, extra)
    if (holdsAll(scopes, needed)) return undefined
    return withCors(answers.insufficientScope(needed, metadataUrl), headers)
  }
  const listFilter = createListFilter(messages, { held: scopes, config, report })
  const finish = (response: Response) =>
    listFilter === undefined
      ? addHeaders(response, headers)
      : filterAnswer(response, listFilter).then((filtered) => addHeaders(filtered, headers))
  return Object.freeze({ user, scopes, serverUrl, metadataUrl, headers, refuseWithout, listFilter, finish })
}

/** `Vary` is added to, what else the handler has set itself stays. */
function addHeaders(response: Response, headers: HeaderList): Response {
  const missing = headers.filter(([name]) => name === 'Vary' || !response.headers.has(name))
  if (missing.length === 0) return response
  try {
    return withCors(response, missing)
  } catch {
    // What came out of `fetch` or `Response.redirect` has headers that cannot be changed.
    return withCors(new Response(response.body, response), missing)
  }
}
