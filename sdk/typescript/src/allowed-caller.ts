import { refuse } from './answers.ts'
import type { Config } from './config.ts'
import type { IncomingRequest } from './incoming.ts'

/**
 * Refuses hosts and browser origins that the owner has not listed (MCP 2026-07-28, Streamable HTTP, Security): a page
 * that points its own name at this machine sends that name here.
 */
export function refuseStranger(request: IncomingRequest, config: Config): Response | undefined {
  const { allowedHosts, allowedOrigins } = config
  if (allowedHosts !== undefined && !isListedHost(request, allowedHosts)) {
    return refuse(403, 'forbidden', 'This server does not answer to that host name.')
  }
  const origin = allowedOrigins === undefined ? null : request.header('origin')
  if (origin !== null && !allowedOrigins?.includes(origin)) {
    return refuse(403, 'forbidden', 'This server does not answer to pages of that origin.')
  }
  return undefined
}

function isListedHost(request: IncomingRequest, allowedHosts: readonly string[]): boolean {
  const host = (request.header('host') ?? request.host()).toLowerCase()
  return allowedHosts.includes(host) || allowedHosts.includes(withoutPort(host))
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/, '')
}
