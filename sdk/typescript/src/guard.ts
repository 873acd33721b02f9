import { refuseStranger } from './allowed-caller.ts'
import * as answers from './answers.ts'
import { assertNever } from './assert-never.ts'
import { readBearerToken } from './bearer.ts'
import { readCalledTools } from './called-tools.ts'
import { type AuthAgentOptions, type Config, parseOptions } from './config.ts'
import { answerPreflight, corsHeaders, type HeaderList, isPreflight, withCors } from './cors.ts'
import { createIntrospect } from './introspection.ts'
import { answerMetadata, isMetadataPath } from './metadata.ts'
import { createReport, type Report } from './report.ts'
import { createReadResource, type ReadResource, type Resource } from './resource.ts'
import { holdsScopes, joinScopes } from './scopes.ts'
import type { Clock } from './single-flight.ts'
import type { User } from './user.ts'
import { createVerifyToken, type VerifyToken } from './verify-token.ts'

/** What is to be done with a request. */
export type Decision =
  | { outcome: 'answer'; response: Response } // send this; the handler must not run
  | { outcome: 'allowed'; access: Access }

/** What a request that may pass has been granted. */
export type Access = Readonly<{
  user: User
  /** Headers that the handler's answer gets too, unless it has its own. */
  headers: HeaderList
  /** The 403 to send where these scopes are not held, together with the ones every request needs. */
  refuseWithout: (scopes: readonly string[]) => Response | undefined
}>

/** Decides about requests; every framework's middleware is a thin layer over it. */
export type Guard = Readonly<{ check: (request: Request) => Promise<Decision> }>

type Parts = Readonly<{ config: Config; readResource: ReadResource; verifyToken: VerifyToken; report: Report }>

const RETRY_AFTER_SECONDS = 5

/**
 * Makes a guard with memories of its own.
 * @param clock milliseconds since the epoch
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function createGuard(options: AuthAgentOptions, clock: Clock = () => Date.now()): Guard {
  const config = parseOptions(options)
  const report = createReport(config, clock)
  const readResource = createReadResource(config, clock, () => report('server_url_unknown'))
  const verifyToken = createVerifyToken(config, createIntrospect(config), clock)
  const parts = { config, readResource, verifyToken, report }
  return Object.freeze({
    async check(request: Request): Promise<Decision> {
      const headers = corsHeaders(request, config)
      try {
        const decision = await decide(request, headers, parts)
        return decision instanceof Response ? { outcome: 'answer', response: decision } : decision
      } catch {
        // A defect of ours must neither let anybody in nor take the server down.
        report('defect')
        return { outcome: 'answer', response: withCors(answers.issuerUnavailable(RETRY_AFTER_SECONDS), headers) }
      }
    },
  })
}

async function decide(request: Request, headers: HeaderList, parts: Parts): Promise<Decision | Response> {
  const { config } = parts
  const stranger = refuseStranger(request, config)
  if (stranger !== undefined) return stranger
  if (isPreflight(request)) return answerPreflight(request, config)
  const resource = await parts.readResource()
  if (resource === undefined) return withCors(answers.issuerUnavailable(RETRY_AFTER_SECONDS), headers)
  if (isMetadataPath(request)) return withCors(await answerMetadata(request, resource), headers)
  const user = await identify(request, resource, parts)
  if (user instanceof Response) return withCors(user, headers)
  const access = grantAccess(user, resource, headers, config)
  const refusal = await refuseBody(request, access, config)
  return refusal ?? { outcome: 'allowed', access }
}

async function identify(request: Request, resource: Resource, parts: Parts): Promise<User | Response> {
  const { requiredScopes } = parts.config
  const bearer = readBearerToken(request.headers.get('authorization'))
  switch (bearer.outcome) {
    case 'absent':
      return answers.missingToken(requiredScopes, resource.metadataUrl)
    case 'malformed':
      return answers.malformedHeader(requiredScopes, resource.metadataUrl)
    case 'present':
      break
    default:
      return assertNever(bearer)
  }
  const verification = await parts.verifyToken(bearer.token, resource.serverUrl)
  switch (verification.outcome) {
    case 'active':
      return verification.user
    case 'inactive':
      if (verification.misaddressed) parts.report('misaddressed')
      return answers.invalidToken(requiredScopes, resource.metadataUrl)
    case 'unavailable':
      parts.report(verification.reason)
      return answers.issuerUnavailable(verification.retryAfterSeconds)
    default:
      return assertNever(verification)
  }
}

function grantAccess(user: User, resource: Resource, headers: HeaderList, config: Config): Access {
  return Object.freeze({
    user,
    headers,
    refuseWithout(scopes: readonly string[]) {
      // All that this request needs in one challenge: asking piece by piece costs the person a consent page each time.
      const needed = joinScopes(config.requiredScopes, scopes)
      if (holdsScopes(user.scopes, needed, config.scopeImplications)) return undefined
      return withCors(answers.insufficientScope(needed, resource.metadataUrl), headers)
    },
  })
}

/** The scopes of every request, and of the tools it calls, before the handler runs. */
async function refuseBody(request: Request, access: Access, config: Config): Promise<Response | undefined> {
  if (config.toolScopes.size === 0) return access.refuseWithout([])
  const called = await readCalledTools(request, config.maxBodyBytes)
  switch (called.outcome) {
    case 'read':
      return access.refuseWithout(called.tools.flatMap((tool) => config.toolScopes.get(tool) ?? []))
    case 'too_large':
      return withCors(answers.refuse(413, 'too_large', 'The request body is too large.'), access.headers)
    case 'encoded':
      return withCors(
        answers.refuse(415, 'unsupported', 'Send the request body without Content-Encoding.'),
        access.headers,
      )
    case 'not_json':
      return withCors(answers.refuseMessage(400, -32700, 'Parse error: the body is not JSON', null), access.headers)
    case 'header_mismatch': {
      const message = `Header mismatch: ${called.header} does not match the body`
      return withCors(answers.refuseMessage(400, -32020, message, called.id), access.headers)
    }
    default:
      return assertNever(called)
  }
}
