/** A refresh token names its connection and the generation it belongs to (ARCHITECTURE decision 4). */
export type RefreshToken = {
  readonly connection_id: string
  readonly generation: number
  readonly refresh_token: string
}

/** `mrt_<connection>.<generation>.<secret>`; the whole string is the value that is digested. */
export function formatRefreshToken(connection_id: string, generation: number, secret: string): string {
  return `mrt_${connection_id}.${generation}.${secret}`
}

/** Undefined when it cannot be a refresh token of ours. */
export function parseRefreshToken(refresh_token: string): RefreshToken | undefined {
  const match = /^mrt_([A-Za-z0-9_-]{22})\.(0|[1-9][0-9]{0,8})\.[A-Za-z0-9_-]{43}$/.exec(refresh_token)
  const [, connection_id, generation] = match ?? []
  if (connection_id === undefined || generation === undefined) return undefined
  return { connection_id, generation: Number(generation), refresh_token }
}
