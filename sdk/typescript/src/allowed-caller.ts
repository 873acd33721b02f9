import { refuse } from './answers.ts'
import type { Config } from './config.ts'

/**
 * Refuses hosts and browser origins that the owner has not listed (MCP 2026-07-28, Streamable HTTP, Security): a page
 * that points its own name at this machine sends that name here.
 */
export function refuseStranger(request: Request, config: Config): Response | undefined {
  const { allowedHosts, allowedOrigins } = config
  const host = (request.headers.get('host') ?? new URL(request.url).host).toLowerCase()
  if (allowedHosts !== undefined && !allowedHosts.includes(host) && !allowedHosts.includes(withoutPort(host))) {
    return refuse(403, 'forbidden', 'This server does not answer to that host name.')
  }
  const origin = request.headers.get('origin')
  if (allowedOrigins !== undefined && origin !== null && !allowedOrigins.includes(origin)) {
    return refuse(403, 'forbidden', 'This server does not answer to pages of that origin.')
  }
  return undefined
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/, '')
}
