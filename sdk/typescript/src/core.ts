import { type AskIssuer, createAskIssuer } from './ask-issuer.ts'
import { withBreaker } from './breaker.ts'
import { checkFirst, createCheckToken } from './check-token.ts'
import type { Config } from './config.ts'
import { createIntrospect, type Introspect } from './introspection.ts'
import { createFindKey } from './jwks.ts'
import { loadJose } from './load-jose.ts'
import { createReport, type Report } from './report.ts'
import { createReadResource, type ReadResource } from './resource.ts'
import type { Clock } from './single-flight.ts'
import { createVerifyToken, type VerifyToken } from './verify-token.ts'

/** What knows about tokens and this server, whatever asks. */
export type Core = Readonly<{ readResource: ReadResource; verifyToken: VerifyToken; report: Report }>

/** Makes a core with memories of its own. */
export function createCore(config: Config, clock: Clock): Core {
  const report = createReport(config, clock)
  const ask = createAskIssuer(config)
  const readResource = createReadResource(config, { ask, clock, failed: () => report('server_url_unknown') })
  const verifyToken = createVerifyToken(config, createValidation(config, { ask, clock, report }), clock)
  return Object.freeze({ readResource, verifyToken, report })
}

/** How it is found out whether a token is good: by asking the issuer, by the issuer's keys, or by both in turn. */
function createValidation(
  config: Config,
  { ask, clock, report }: { ask: AskIssuer; clock: Clock; report: Report },
): Introspect {
  const introspect = withBreaker(createIntrospect(config, ask), clock)
  if (config.validation === 'introspect' && !config.signatureFirst) return introspect
  // Told at start: whether it is there can only be found out by loading it.
  void loadJose().then((jose) => jose ?? report('jose_missing'))
  const checkToken = createCheckToken(config, createFindKey(config, ask, clock), clock)
  return config.validation === 'jwt' ? checkToken : checkFirst(checkToken, introspect)
}
