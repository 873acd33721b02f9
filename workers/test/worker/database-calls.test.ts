import { expect, it, vi } from 'vitest'
import { forgetClients } from '../../src/clients/find-client.ts'
import { connectBy, newPath, newSigner, openDevelopment, proof, publish } from '../support/worker/clients.ts'
import { hostJson, hostUrl } from '../support/worker/document-host.ts'
import { exchange, form, introspect, openServer, refresh, tokensOf } from '../support/worker/flow.ts'
import { passkeyOwner, usePasskey } from '../support/worker/passkeys.ts'
import { atProvider, comeBackFrom, openProvider } from '../support/worker/provider.ts'
import { authorizeUrl, clientId, type Fields, redirectUri } from './requests.ts'
import { meetVisitor } from './visitor.ts'

type LogLine = { readonly method?: string; readonly route?: string; readonly database_calls?: number }

const house = openDevelopment()

type Client = { readonly client_id: string; readonly credential: () => Promise<Fields> }

const publicClient = (client_id: string): Client => ({ client_id, credential: async () => ({ client_id }) })

async function keyedClient(): Promise<Client> {
  const [signer, keysPath] = [await newSigner(), newPath()]
  await hostJson(keysPath, { keys: [signer.jwk] })
  const client_id = await publish({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: hostUrl(keysPath) })
  return { client_id, credential: async () => ({ client_id, ...proof(await signer.assert(client_id)) }) }
}

async function dynamicClient(): Promise<Client> {
  const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' })
  const headers = { 'content-type': 'application/json' }
  const { json } = await house.send('/register', { method: 'POST', headers, body })
  return publicClient(String(json?.client_id))
}

/** The database calls of each request of a client's life, once its document, keys and row are remembered. */
async function callsOf({ client_id, credential }: Client): Promise<Record<string, readonly string[]>> {
  const calls: Record<string, readonly string[]> = {}
  const counted = async <Result>(name: string, request: () => Promise<Result>): Promise<Result> => {
    house.calls.length = 0
    const result = await request()
    calls[name] = [...house.calls]
    return result
  }
  const owner = await openServer()
  // A row that an earlier test has read would be read again in the middle of this one.
  forgetClients()
  const warm = await connectBy(client_id)
  await exchange(warm.grant, await credential(), house)
  await counted('authorize', () => house.send(authorizeUrl({ client_id, resource: owner.server_url }).href))
  const { grant, owner: server } = await connectBy(client_id)
  const first = await counted('exchange', async () => exchange(grant, await credential(), house))
  const second = await counted('refresh', async () => refresh(tokensOf(first).refresh_token, await credential(), house))
  const { access_token } = tokensOf(second)
  const told = await counted('introspect', () => introspect(server, access_token, house))
  expect(told.json?.active).toBe(true)
  const ended = await counted('revoke', async () =>
    house.send('/revoke', form({ token: access_token, ...(await credential()) })),
  )
  expect(ended.status).toBe(200)
  return calls
}

it('a client of any kind makes one database call a request once it is known (ARCHITECTURE decision 1)', async () => {
  const one = {
    authorize: ['open_transaction'],
    exchange: ['exchange_authorization_code'],
    refresh: ['rotate_refresh_token'],
    introspect: ['introspect_token'],
    revoke: ['revoke_token'],
  }
  const clients = {
    'pre-registered': publicClient(clientId),
    'metadata document': publicClient(await publish()),
    'metadata document with keys at a jwks_uri': await keyedClient(),
    'registered by itself': await dynamicClient(),
  }
  for (const [kind, client] of Object.entries(clients)) expect([kind, await callsOf(client)]).toEqual([kind, one])
})

it('a client whose document is not known yet costs no database call more', async () => {
  const cold = openDevelopment()
  const url = (client_id: string) => authorizeUrl({ client_id, scope: 'openid' }).href
  await cold.send(url(await publish()))
  expect(cold.calls).toEqual(['open_transaction'])
})

it('every way to sign in makes one call a request; a passkey’s answer makes two, because its key is not known before (ARCHITECTURE decision 1)', async () => {
  const provider = await openProvider()
  const lines = vi.spyOn(console, 'log').mockReturnValue()
  const { authenticator } = await passkeyOwner()
  const visitor = meetVisitor()
  await usePasskey(visitor, await visitor.open('/sign-in'), authenticator)
  const { visitor: guest, asked } = await atProvider(provider)
  await comeBackFrom(provider, guest, asked)
  const logged = lines.mock.calls.map(([line]) => JSON.parse(String(line)) as LogLine)
  lines.mockRestore()
  const calls: Record<string, unknown> = {}
  for (const { method, route, database_calls } of logged) calls[`${method} ${route}`] = database_calls
  expect(calls).toMatchObject({
    'GET /sign-in': 1,
    'POST /sign-in': 1,
    'POST /sign-in/code': 1,
    'GET /account/passkeys/add': 1,
    'POST /account/passkeys/add': 1,
    'POST /sign-in/passkey': 2,
    'GET /sign-in/provider/:provider': 0,
    'GET /sign-in/callback/:provider': 1,
  })
})
