import type { Registration } from 'auth-agent-mcp-local/scripts/example-server.ts'
import { inject } from 'vitest'
import type { Certificate } from '../support/certificate.ts'

/** Where the full stack of this run listens. */
export type Place = {
  readonly issuer: string
  readonly mailboxUrl: string
  /** The example MCP server: its MCP endpoint, which is also its resource identifier. */
  readonly exampleUrl: string
  /** The same server as its owner knows it, key included. */
  readonly example: Registration
}

declare module 'vitest' {
  interface ProvidedContext {
    place: Place
    /** Of an https server on this machine that the Worker trusts. */
    documentHost: Certificate
  }
}

export const place: Place = inject('place')

export const at = (path: string): URL => new URL(path, place.issuer)
