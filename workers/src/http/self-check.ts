import type { Context } from 'hono'
import type { AppEnv, AppVariables } from '../context.ts'
import { newConnectionId, newTokenNonce } from '../crypto/random.ts'
import { accessTokenType } from '../protocol/access-token.ts'
import { metadataUrlOf } from '../protocol/server-description.ts'
import { countFetch } from './known-client.ts'

type Checks = Awaited<ReturnType<AppVariables['checkServer']>>

/** The audience of the token that a server must refuse: nobody's (RFC 6761 §6.4). */
const nobody = 'https://another-server.invalid/mcp'
const tokenSeconds = 60

/** Only a server on loopback has a URL without https. */
const nothingLookedAt = (server_url: string): Checks => [
  {
    name: 'metadata',
    passed: false,
    seen: `We looked at nothing: ${server_url} is on this computer`,
    change: 'Start this place with npm start -- --loopback-documents, then look again.',
  },
]

/**
 * Calls a server as a client would. The token it is shown has our signature, names an audience that is nobody's and a
 * connection that does not exist: nobody can use it for anything.
 * @throws OAuthError rate_limited when this address has caused too many calls to strangers
 */
export async function checkFromOutside(
  c: Context<AppEnv>,
  { server_id, server_url }: { readonly server_id: string; readonly server_url: string },
): Promise<Checks> {
  const { config, keys, clock, checkServer } = c.var
  if (server_url.startsWith('http:') && !config.documents.allowLoopback) return nothingLookedAt(server_url)
  await countFetch(c)
  const nowSeconds = Math.floor(clock() / 1_000)
  const foreignToken = await keys.sign(accessTokenType, {
    iss: config.issuer,
    sub: 'self-check',
    aud: nobody,
    client_id: 'self-check',
    scope: '',
    iat: nowSeconds,
    exp: nowSeconds + tokenSeconds,
    auth_time: nowSeconds,
    jti: `${newConnectionId()}.${newTokenNonce()}`,
    epoch: 0,
  })
  return checkServer({
    server_id,
    server_url,
    metadata_url: metadataUrlOf(server_url),
    issuer: config.issuer,
    foreignToken,
  })
}
