import { isReason, reasons } from './reasons.ts'
import { toTimestamp } from './server-description.ts'

type Event = {
  readonly event_id: string
  readonly event: string
  readonly reason?: string | undefined
  readonly occurred_at_seconds: number
  readonly client_id?: string | undefined
  readonly connection_id?: string | undefined
  readonly transaction_id?: string | undefined
  readonly reference?: string | undefined
  readonly detail?: Readonly<Record<string, unknown>> | undefined
}

/** What a reason code means, where it is one of ours. */
function meaningOf(reason: string | undefined): { readonly meaning?: string } {
  return reason !== undefined && isReason(reason) ? { meaning: reasons[reason].what_happened } : {}
}

type Told<Members> = { [Member in keyof Members]?: Exclude<Members[Member], undefined> }

/** Members without a value are left out. */
function told<Members extends object>(members: Members): Told<Members> {
  const kept: Told<Members> = {}
  for (const name in members) {
    const value = members[name]
    if (value !== undefined) Object.assign(kept, { [name]: value })
  }
  return kept
}

/** An audit event as the owner of the server sees it. */
export function describeEvent({ occurred_at_seconds, event_id, event, ...more }: Event) {
  return { event_id, event, occurred_at: toTimestamp(occurred_at_seconds), ...told(more), ...meaningOf(more.reason) }
}

type Connection = {
  readonly connection_id: string
  readonly client_id: string
  readonly client_name: string
  readonly client_kind: string
  readonly sub: string
  readonly email?: string | undefined
  readonly scopes: readonly string[]
  readonly created_at_seconds: number
  readonly last_used_at_seconds?: number | undefined
  readonly expires_at_seconds: number
  readonly suspended: boolean
}

/** A connection as the owner of its server sees it (THREATS J26). */
export function describeConnection(connection: Connection) {
  const { created_at_seconds, last_used_at_seconds, expires_at_seconds, email, ...more } = connection
  return {
    ...more,
    ...(email !== undefined && { email }),
    created_at: toTimestamp(created_at_seconds),
    ...(last_used_at_seconds !== undefined && { last_used_at: toTimestamp(last_used_at_seconds) }),
    expires_at: toTimestamp(expires_at_seconds),
  }
}

type Authorization = {
  readonly started_at_seconds: number
  readonly state: string
  readonly transaction_id?: string | undefined
  readonly connection_id?: string | undefined
  readonly client_id: string
  readonly client_name: string
  readonly steps: readonly Event[]
  readonly last_refusal?:
    | {
        readonly step: string
        readonly reason: string
        readonly reference?: string | null | undefined
        readonly occurred_at_seconds: number
      }
    | undefined
}

/** How far one authorization came: its steps in order, and what its tokens were last refused for. */
export function describeAuthorization({ started_at_seconds, steps, last_refusal, ...more }: Authorization) {
  const { state, client_id, client_name, transaction_id, connection_id } = more
  return {
    started_at: toTimestamp(started_at_seconds),
    state,
    client_id,
    client_name,
    ...told({ transaction_id, connection_id }),
    steps: steps.map(describeEvent),
    ...(last_refusal !== undefined && {
      last_refusal: {
        step: last_refusal.step,
        reason: last_refusal.reason,
        ...meaningOf(last_refusal.reason),
        ...told({ reference: last_refusal.reference ?? undefined }),
        occurred_at: toTimestamp(last_refusal.occurred_at_seconds),
      },
    }),
  }
}

type Rule = {
  readonly rule_id: string
  readonly effect: string
  readonly client_id?: string | undefined
  readonly host?: string | undefined
  readonly created_at_seconds: number
}

/** A rule about clients. */
export function describeClientRule({ rule_id, effect, client_id, host, created_at_seconds }: Rule) {
  return { rule_id, effect, ...told({ client_id, host }), created_at: toTimestamp(created_at_seconds) }
}

type Usage = {
  readonly day: string
  readonly client_id?: string | undefined
  readonly client_name?: string | undefined
  readonly connected: number
  readonly used: number
  readonly refreshed: number
  readonly active_minutes: number
}

/** The use of one client on one day. */
export function describeUsage({ client_id, client_name, ...counts }: Usage) {
  return { ...counts, ...told({ client_id, client_name }) }
}

type Webhook = {
  readonly webhook_id: string
  readonly url: string
  readonly events: readonly string[]
  readonly created_at_seconds: number
  readonly messages?: readonly Message[]
}

type Message = {
  readonly message_id: string
  readonly type: string
  readonly created_at_seconds: number
  readonly attempts: number
  readonly state: string
  readonly next_attempt_at_seconds?: number | undefined
  readonly seen?: string | undefined
}

function describeMessage({ created_at_seconds, next_attempt_at_seconds, seen, ...message }: Message) {
  return {
    ...message,
    created_at: toTimestamp(created_at_seconds),
    ...(next_attempt_at_seconds !== undefined && { next_attempt_at: toTimestamp(next_attempt_at_seconds) }),
    ...told({ seen }),
  }
}

/** A webhook with its last messages; never its secret. */
export function describeWebhook({ webhook_id, url, events, created_at_seconds, messages }: Webhook) {
  return {
    webhook_id,
    url,
    events,
    created_at: toTimestamp(created_at_seconds),
    ...(messages !== undefined && { messages: messages.map(describeMessage) }),
  }
}
