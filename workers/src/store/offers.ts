import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import {
  absent,
  callerRefusals,
  limited,
  notice,
  outcome,
  type PageOfList,
  type RequestFacts,
  scopeRow,
  serverRow,
  type WriteLimits,
} from './rows.ts'
import type { Caller } from './servers.ts'

export type OfferServerArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  /** null takes every offer back. */
  readonly p_email: string | null
  readonly p_limits: WriteLimits
  readonly p_request: RequestFacts
}

const offerServerOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('offered'), server: serverRow, notice }),
  z.object({ outcome: z.literal('withdrawn'), server: serverRow }),
  outcome('own_address'),
  limited,
  ...callerRefusals,
])
export type OfferServerOutcome = z.infer<typeof offerServerOutcome>

export function offerServer(store: Store, args: OfferServerArguments): Promise<OfferServerOutcome> {
  return callFor(store, 'offer_server', args, offerServerOutcome)
}

/** A server that waits for the caller to accept or decline it. */
const offerRow = z.object({
  server_id: z.string(),
  server_url: z.string(),
  server_name: z.string(),
  status: z.string(),
  scopes: z.array(scopeRow),
  created_at_seconds: z.number(),
  /** Who offers it; absent where a stranger registered it in the caller's name. */
  from_email: absent(z.string()),
})
export type OfferRow = z.infer<typeof offerRow>

const listOffersOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), offers: z.array(offerRow), next: absent(z.string()) }),
  ...callerRefusals,
])
export type ListOffersOutcome = z.infer<typeof listOffersOutcome>

export function listOffers(
  store: Store,
  args: PageOfList & { readonly p_caller: Caller | null },
): Promise<ListOffersOutcome> {
  return callFor(store, 'list_offers', args, listOffersOutcome)
}

export type AcceptServerArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  readonly p_revoke_keys: boolean
  readonly p_limits: { readonly servers: number; readonly writes_per_hour: number }
  readonly p_request: RequestFacts
}

const acceptServerOutcome = z.discriminatedUnion('outcome', [
  /** `former` is the owner of before. */
  z.object({ outcome: z.literal('accepted'), server: serverRow, former: notice }),
  limited,
  ...callerRefusals,
])
export type AcceptServerOutcome = z.infer<typeof acceptServerOutcome>

export function acceptServer(store: Store, args: AcceptServerArguments): Promise<AcceptServerOutcome> {
  return callFor(store, 'accept_server', args, acceptServerOutcome)
}

export type DeclineServerArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

const declineServerOutcome = z.discriminatedUnion('outcome', [outcome('declined'), ...callerRefusals])
export type DeclineServerOutcome = z.infer<typeof declineServerOutcome>

export function declineServer(store: Store, args: DeclineServerArguments): Promise<DeclineServerOutcome> {
  return callFor(store, 'decline_server', args, declineServerOutcome)
}
