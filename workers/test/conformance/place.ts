import { inject } from 'vitest'

/** Where the full stack of this run listens. */
export type Place = {
  readonly issuer: string
  readonly mailboxUrl: string
  /** The example MCP server: its MCP endpoint, which is also its resource identifier. */
  readonly exampleUrl: string
}

declare module 'vitest' {
  interface ProvidedContext {
    place: Place
  }
}

export const place: Place = inject('place')

export const at = (path: string): URL => new URL(path, place.issuer)
