/** A code names its connection, so that finding it needs no index on a rotating column. */
export type AuthorizationCode = { readonly connection_id: string; readonly code: string }

/** `mac_<connection>.<secret>`; the whole string is the value that is digested. */
export function formatAuthorizationCode(connection_id: string, secret: string): string {
  return `mac_${connection_id}.${secret}`
}

/** Undefined when it cannot be a code of ours. */
export function parseAuthorizationCode(code: string): AuthorizationCode | undefined {
  const connection_id = /^mac_([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{43}$/.exec(code)?.[1]
  return connection_id === undefined ? undefined : { connection_id, code }
}
