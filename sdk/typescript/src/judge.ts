import { answerWith, type Decision, grantAccess } from './access.ts'
import { after } from './after.ts'
import { refuseStranger } from './allowed-caller.ts'
import * as answers from './answers.ts'
import { assertNever } from './assert-never.ts'
import { readBearerToken } from './bearer.ts'
import { type Config, parseOptions } from './config.ts'
import { type Core, createCore } from './core.ts'
import { ANY_ORIGIN, answerPreflight, corsHeaders, type HeaderList, isPreflight } from './cors.ts'
import type { IncomingRequest } from './incoming.ts'
import { answerMetadata, isMetadataPath } from './metadata.ts'
import type { AuthAgentOptions } from './options.ts'
import type { Resource } from './resource.ts'
import type { Clock } from './single-flight.ts'
import type { User } from './user.ts'

/** Decides at once where the token is remembered and no body has to be read. It never throws. */
export type Judge = (request: IncomingRequest) => Decision | Promise<Decision>

type Parts = Core & Readonly<{ config: Config; headers: HeaderList }>

const RETRY_AFTER_SECONDS = 5

/**
 * Makes a judge with memories of its own: the core that every framework's middleware is a thin layer over.
 * @param clock milliseconds since the epoch
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function createJudge(options: AuthAgentOptions, clock: Clock = () => Date.now()): Judge {
  const config = parseOptions(options)
  const always: Parts = { ...createCore(config, clock), config, headers: ANY_ORIGIN }
  return (request) => {
    const parts = config.allowedOrigins === undefined ? always : { ...always, headers: corsHeaders(request, config) }
    const fail = () => {
      // A defect of ours must neither let anybody in nor take the server down.
      parts.report('defect')
      return answerWith(answers.issuerUnavailable(RETRY_AFTER_SECONDS), parts.headers)
    }
    try {
      const decision = decide(request, parts)
      return decision instanceof Promise ? decision.catch(fail) : decision
    } catch {
      return fail()
    }
  }
}

function decide(request: IncomingRequest, parts: Parts): Decision | Promise<Decision> {
  const stranger = refuseStranger(request, parts.config)
  if (stranger !== undefined) return { outcome: 'answer', response: stranger }
  if (isPreflight(request)) return { outcome: 'answer', response: answerPreflight(request, parts.config) }
  return after(parts.readResource(), (resource) => decideFor(resource, request, parts))
}

function decideFor(
  resource: Resource | undefined,
  request: IncomingRequest,
  parts: Parts,
): Decision | Promise<Decision> {
  const { headers, config, report } = parts
  if (resource === undefined) return answerWith(answers.issuerUnavailable(RETRY_AFTER_SECONDS), headers)
  if (isMetadataPath(request.path)) {
    return answerMetadata(request, resource).then((response) => answerWith(response, headers))
  }
  const authorization = request.header('authorization')
  const known = recognise(authorization, parts)
  if (known !== undefined) return grantAccess(request, { user: known, resource, headers, config, report })
  return identify(authorization, resource, parts).then((user) =>
    user instanceof Response
      ? answerWith(user, headers)
      : grantAccess(request, { user, resource, headers, config, report }),
  )
}

/** Whom a token acts for that is remembered; what it looks like was checked before it was. */
function recognise(authorization: string | null, { verifyToken }: Parts): User | undefined {
  return authorization?.startsWith('Bearer ') ? verifyToken.recall(authorization.slice(7)) : undefined
}

async function identify(authorization: string | null, resource: Resource, parts: Parts): Promise<User | Response> {
  const { requiredScopes } = parts.config
  const bearer = readBearerToken(authorization)
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
  const verification = await parts.verifyToken.verify(bearer.token, resource.serverUrl)
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
