import { hostHeaderValidation } from '@modelcontextprotocol/hono'
import { authAgentMiddleware, requireScopes } from 'auth-agent-mcp-sdk'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { FileRefused } from './file-name.ts'
import { createFileTools } from './file-tools.ts'
import type { SharedFolder } from './shared-folder.ts'

export type Settings = {
  serverId: string | undefined
  apiKey: string | undefined
  issuer?: string | undefined
  serverUrl: string
}

const MAX_BODY_BYTES = 1_048_576

/** The whole example. @throws AuthAgentConfigError without credentials: it does not run open */
export function createApp(settings: Settings, folder: SharedFolder): Hono {
  const { serverId, apiKey, issuer, serverUrl } = settings
  const tools = createFileTools(folder, MAX_BODY_BYTES)
  const app = new Hono({ strict: false }) // `/mcp/` is `/mcp`: clients use both

  // A web page that lets its own name point at this machine sends that name (DNS rebinding).
  app.use(hostHeaderValidation([new URL(serverUrl).hostname, 'localhost', '127.0.0.1', '[::1]']))

  const toolScopes = { write_file: ['files:write'], delete_file: ['files:delete'] }
  const scopeImplications = { 'files:write': ['files:read'], 'files:delete': ['files:read'] }
  const options = { issuer, serverUrl, toolScopes, scopeImplications, maxBodyBytes: MAX_BODY_BYTES }
  // #region protect
  app.use(authAgentMiddleware({ serverId, apiKey, requiredScopes: ['files:read'], ...options }))
  app.all('/mcp', (c) => tools.fetch(c.req.raw))
  app.get('/api/files', async (c) => c.json({ user: c.get('user').sub, files: await folder.list() }))
  // #endregion protect

  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (c) => c.json({ error: 'too_large', error_description: 'The file is too large.' }, 413),
  })
  app.put('/api/files/:name', requireScopes('files:write'), limit, async (c) => {
    await folder.write(c.req.param('name'), await c.req.text())
    return c.json({ name: c.req.param('name') })
  })

  app.notFound((c) => c.json({ error: 'not_found', error_description: 'The MCP endpoint is /mcp.' }, 404))
  app.onError((error, c) => {
    if (error instanceof FileRefused) return c.json({ error: 'invalid_request', error_description: error.message }, 400)
    console.error(error)
    return c.json({ error: 'server_error', error_description: 'Something went wrong here.' }, 500)
  })
  return app
}
