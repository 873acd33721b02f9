import { type Text, When } from './dashboard-parts.tsx'
import type { Clock } from './moment.tsx'

export type EventView = {
  readonly event: string
  readonly reason?: string | undefined
  /** Whether the list of errors explains that reason; how a thing came about has one too. */
  readonly isExplained?: boolean
  readonly occurred_at_seconds: number
  readonly client_id?: string | undefined
  readonly reference?: string | undefined
  readonly detail?: Readonly<Record<string, unknown>> | undefined
}

/** An event that a language has no words for is told by its name alone. */
export function eventWords(event: string, text: Text): string {
  return new Map(Object.entries(text.happened)).get(event) ?? event
}

/** A reason code, and the way to what it means. */
export const Reason = ({ reason }: { reason: string }) => (
  <a href={`/errors#${reason}`}>
    <code>{reason}</code>
  </a>
)

/** The parts of an event's detail that say something to its owner. */
function detailText(detail: EventView['detail']): string {
  const told = Object.entries(detail ?? {}).filter(([, value]) => ['string', 'number'].includes(typeof value))
  return told.map(([name, value]) => `${name}: ${value}`).join(' · ')
}

/** One event: what it was in words, its name as the API has it, why, and when. */
export const Event = ({ event, clock, text }: { event: EventView; clock: Clock; text: Text }) => (
  <li class="event">
    <p>
      <b>{eventWords(event.event, text)}</b>
      {event.reason && (
        <>
          {' · '}
          {event.isExplained ? <Reason reason={event.reason} /> : <code>{event.reason}</code>}
        </>
      )}
    </p>
    <p class="hint">
      <When seconds={event.occurred_at_seconds} clock={clock} /> · <code>{event.event}</code>
      {event.client_id && (
        <>
          {' · '}
          <code>{event.client_id}</code>
        </>
      )}
      {event.reference && (
        <>
          {' · '}
          <code>{event.reference}</code>
        </>
      )}
    </p>
    {event.detail && <p class="hint">{detailText(event.detail)}</p>}
  </li>
)
