import type * as z from 'zod/mini'

export type Operation = {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly scope?: 'servers:read' | 'servers:write' | 'keys:write'
  /** No credential is needed; with one the answer may say more. */
  readonly isOpen?: true
  readonly query?: z.ZodMiniObject
  readonly body?: z.ZodMiniType
  /** What comes back where it goes well; null has no body. */
  readonly answer: { readonly status: number; readonly schema: z.ZodMiniType | null }
  /** Refusals besides those that every operation has. */
  readonly refusals?: readonly number[]
  readonly isRepeatable?: true
}

export const server = '/api/servers/{server_id}'
export const ok = (schema: z.ZodMiniType) => ({ status: 200, schema })
export const made = (schema: z.ZodMiniType) => ({ status: 201, schema })
export const taken = { status: 202, schema: null }
export const gone = { status: 204, schema: null }
export const read = 'servers:read'
export const write = 'servers:write'
export const keys = 'keys:write'
