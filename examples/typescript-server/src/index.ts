import { serve } from '@hono/node-server'
import { AuthAgentConfigError } from 'auth-agent-mcp-sdk'
import { createApp } from './app.ts'
import { readSettings } from './settings.ts'
import { openSharedFolder } from './shared-folder.ts'

const settings = readSettings(process.env)

try {
  const app = createApp(settings, await openSharedFolder(settings.filesFolder))
  const server = serve({ fetch: app.fetch, port: settings.port, hostname: settings.host }, () => {
    console.log(`MCP server: ${settings.serverUrl}`)
  })
  server.on('error', (error) => stop(error.message))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0))
} catch (error) {
  if (!(error instanceof AuthAgentConfigError)) throw error
  stop(`${error.message}. Set AUTH_AGENT_SERVER_ID and AUTH_AGENT_API_KEY (and AUTH_AGENT_ISSUER).`)
}

function stop(sentence: string): void {
  console.error(`The example server does not start: ${sentence}`)
  process.exitCode = 1
}
