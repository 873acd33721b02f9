import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'
import { type Parameters, parametersFrom, parametersFromJson } from '../protocol/parameters.ts'
import { mediaType, readBodyText } from './body.ts'

/**
 * The parameters of a POST to an OAuth endpoint: form encoding by the standards, JSON because people use curl
 * (HTTP-API "Conventions"). Frameworks' own body parsers are not used: they merge, nest and guess (F19, F20).
 * @throws OAuthError invalid_request
 */
export async function readParameters(c: Context<AppEnv>): Promise<Parameters> {
  // URLs are written to logs and histories, so a secret in one is refused and not only ignored (F18).
  if (/\?./.test(c.req.url)) throw refused('query_not_allowed')
  const type = mediaType(c.req.header('content-type'))
  if (type !== 'application/x-www-form-urlencoded' && type !== 'application/json') {
    throw refused('content_type_unsupported')
  }
  const body = await readBodyText(c.req.raw)
  if (body === undefined) throw refused('request_too_large')
  return type === 'application/json' ? parametersFromJson(body) : parametersFrom(new URLSearchParams(body))
}
