import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { openSharedFolder } from '../src/shared-folder.ts'
import { API_KEY, SERVER_ID, startAuthorizationServer } from './authorization-server.ts'
import { listen } from './listen.ts'

/** The example on a free port over a copy of its folder, with an authorization server beside it. */
export async function startExample() {
  const folder = await mkdtemp(join(tmpdir(), 'example-files-'))
  await cp(join(import.meta.dirname, '..', 'files'), folder, { recursive: true })
  let handle: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 })
  const server = await listen((request) => handle(request))
  const serverUrl = `${server.url}/mcp`
  const as = await startAuthorizationServer(() => serverUrl)
  const settings = { serverId: SERVER_ID, apiKey: API_KEY, issuer: as.issuer, serverUrl }
  const app = createApp(settings, await openSharedFolder(folder))
  handle = (request) => app.fetch(request)
  const close = async () => {
    await server.close()
    await as.close()
    await rm(folder, { recursive: true })
  }
  return { as, serverUrl, origin: server.url, folder, close }
}

export type Example = Awaited<ReturnType<typeof startExample>>
