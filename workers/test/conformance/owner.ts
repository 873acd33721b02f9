import { at } from './place.ts'

export type RegisteredServer = {
  readonly server_id: string
  readonly server_url: string
  readonly api_key: string
  readonly management_token: string
}

const jsonHeaders = (token?: string) => ({
  'content-type': 'application/json',
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
})

async function created(path: string, body: object, token?: string): Promise<Record<string, string>> {
  const response = await fetch(at(path), { method: 'POST', headers: jsonHeaders(token), body: JSON.stringify(body) })
  const answer = (await response.json()) as Record<string, string>
  if (response.status !== 201) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`)
  return answer
}

/** What an owner does before anything else: registers a server nobody else has, and makes a key for it. */
export async function registerServer(
  scopes: readonly unknown[] = ['files:read', 'files:write'],
): Promise<RegisteredServer> {
  const server_url = `http://localhost:9999/${crypto.randomUUID()}/mcp`
  const server = await created('/api/servers', { server_url, server_name: 'Conformance', scopes })
  const { server_id = '', management_token = '' } = server
  const key = await created(`/api/servers/${server_id}/keys`, { name: 'conformance' }, management_token)
  return { server_id, server_url: server.server_url ?? '', api_key: key.key_secret ?? '', management_token }
}
