import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { clientSnapshot, outcome } from './rows.ts'

const getClientOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), client: clientSnapshot }),
  outcome('unknown'),
  outcome('blocked'),
])
export type GetClientOutcome = z.infer<typeof getClientOutcome>

export function getClient(store: Store, args: { readonly p_client_id: string }): Promise<GetClientOutcome> {
  return callFor(store, 'get_client', args, getClientOutcome)
}
