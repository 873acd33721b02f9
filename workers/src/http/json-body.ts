import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'
import { parseJson } from '../protocol/parameters.ts'
import { mediaType, readBodyText } from './body.ts'

/** A full catalogue of 64 described scopes fits. */
const jsonLimitBytes = 32_768

/**
 * The JSON body of a management or registration request; what it holds is judged by its schema.
 * @throws OAuthError invalid_request
 */
export async function readJsonBody(c: Context<AppEnv>, limitBytes = jsonLimitBytes): Promise<unknown> {
  if (mediaType(c.req.header('content-type')) !== 'application/json') {
    throw refused('content_type_unsupported', 'Content-Type must be application/json')
  }
  const body = await readBodyText(c.req.raw, limitBytes)
  if (body === undefined) throw refused('request_too_large')
  return parseJson(body)
}
