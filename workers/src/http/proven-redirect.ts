import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { proveRedirect, type RedirectingClient, type TrustedRedirect } from '../protocol/redirect-uri.ts'

/**
 * The redirect URI of a client, proven under this deployment's rules.
 * @throws OAuthError as proveRedirect
 */
export function provenRedirect(
  c: Context<AppEnv>,
  client: RedirectingClient,
  redirect_uri: string | undefined,
): TrustedRedirect {
  const { privateUseSchemes, documents } = c.var.config
  return proveRedirect(client, redirect_uri, { privateUseSchemes, redirectExceptions: documents.redirectExceptions })
}
