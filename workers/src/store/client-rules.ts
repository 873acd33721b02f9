import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, callerRefusals, limited, outcome, type RequestFacts, type WriteLimits } from './rows.ts'
import type { Caller } from './servers.ts'

const clientRuleRow = z.object({
  rule_id: z.string(),
  effect: z.string(),
  client_id: absent(z.string()),
  host: absent(z.string()),
  created_at_seconds: z.number(),
})
export type ClientRuleRow = z.infer<typeof clientRuleRow>

export type CreateClientRuleArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  readonly p_rule: {
    readonly rule_id: string
    readonly effect: 'allow' | 'block'
    readonly client_id?: string | undefined
    readonly host?: string | undefined
  }
  readonly p_limits: WriteLimits
  readonly p_request: RequestFacts
}

const createClientRuleOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('created'), rule: clientRuleRow, connections_ended: z.number() }),
  outcome('rule_exists'),
  limited,
  ...callerRefusals,
])
export type CreateClientRuleOutcome = z.infer<typeof createClientRuleOutcome>

export function createClientRule(store: Store, args: CreateClientRuleArguments): Promise<CreateClientRuleOutcome> {
  return callFor(store, 'create_client_rule', args, createClientRuleOutcome)
}

const listClientRulesOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), rules: z.array(clientRuleRow) }),
  ...callerRefusals,
])
export type ListClientRulesOutcome = z.infer<typeof listClientRulesOutcome>

export function listClientRules(
  store: Store,
  args: { readonly p_server_id: string; readonly p_caller: Caller | null },
): Promise<ListClientRulesOutcome> {
  return callFor(store, 'list_client_rules', args, listClientRulesOutcome)
}

export type DeleteClientRuleArguments = {
  readonly p_server_id: string
  readonly p_rule_id: string
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

const deleteClientRuleOutcome = z.discriminatedUnion('outcome', [outcome('deleted'), ...callerRefusals])
export type DeleteClientRuleOutcome = z.infer<typeof deleteClientRuleOutcome>

export function deleteClientRule(store: Store, args: DeleteClientRuleArguments): Promise<DeleteClientRuleOutcome> {
  return callFor(store, 'delete_client_rule', args, deleteClientRuleOutcome)
}
