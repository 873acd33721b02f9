import { join } from 'node:path'
import type { Settings } from './app.ts'

export type ExampleSettings = Settings & { port: number; host: string; filesFolder: string }

/** Reads the environment. What it must hold is checked by the middleware, which refuses to start without it. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): ExampleSettings {
  const port = Number(env.PORT || 9401)
  return {
    serverId: env.AUTH_AGENT_SERVER_ID,
    apiKey: env.AUTH_AGENT_API_KEY,
    issuer: env.AUTH_AGENT_ISSUER || undefined,
    serverUrl: env.SERVER_URL || `http://localhost:${port}/mcp`,
    port,
    // Other machines get in only when asked for (MCP 2026-07-28, Streamable HTTP, Security).
    host: env.HOST || '127.0.0.1',
    filesFolder: env.FILES_FOLDER || join(import.meta.dirname, '..', 'files'),
  }
}
