import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { cacheableJson } from '../http/etag.ts'
import { languages } from '../pages/messages/language-tags.ts'
import { refused } from '../protocol/errors.ts'
import { managementResourceMetadata, protectedResourceMetadata } from '../protocol/protected-resource-metadata.ts'
import { authorizationServerMetadata } from '../protocol/server-metadata.ts'
import { readProtectedResource } from '../store/servers.ts'

/**
 * Discovery (RFC 8414, OpenID Connect Discovery 1.0, RFC 7517, RFC 9728). Exact paths only: a document for any other
 * path would speak for an issuer or a resource that is not ours (K8, K11).
 */
export const metadataRoute = new Hono<AppEnv>()
  .get('/.well-known/oauth-authorization-server', serverMetadata)
  .get('/.well-known/openid-configuration', serverMetadata)
  .get('/.well-known/jwks.json', (c) => cacheableJson(c, c.var.keys.publicKeySet))
  .get('/.well-known/oauth-protected-resource', managementResource)
  // Where RFC 9728 §3.1 puts the document of ISSUER/api.
  .get('/.well-known/oauth-protected-resource/api', managementResource)
  .get('/.well-known/oauth-protected-resource/:server_id', hostedCopy)

function serverMetadata(c: Context<AppEnv>): Promise<Response> {
  const { issuer, registrationIsOn } = c.var.config
  return cacheableJson(c, authorizationServerMetadata(issuer, { registrationIsOn, uiLocales: languages }))
}

function managementResource(c: Context<AppEnv>): Promise<Response> {
  return cacheableJson(c, managementResourceMetadata(c.var.config.issuer))
}

/** A copy of what a server says of itself; a pending, suspended or deleted one says nothing here (J8). */
async function hostedCopy(c: Context<AppEnv>): Promise<Response> {
  const server_id = c.req.param('server_id') ?? ''
  if (!/^srv_[0-9A-Za-z]{22}$/.test(server_id)) throw refused('not_found')
  const server = await readProtectedResource(c.var.store, { p_server_id: server_id })
  if (server.outcome !== 'found') throw refused('not_found')
  return cacheableJson(c, protectedResourceMetadata(server, c.var.config.issuer))
}
