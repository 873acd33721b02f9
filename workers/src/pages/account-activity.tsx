import { Name } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'
import { type Clock, Moment } from './moment.tsx'

export type EventRow = {
  readonly event: string
  readonly reason: string | undefined
  readonly atSeconds: number
  /** Program and server, where the event has them. */
  readonly names: readonly string[]
  readonly place: string | undefined
}

export type ActivityView = {
  readonly frame: Frame
  readonly clock: Clock
  readonly events: readonly EventRow[]
  readonly next: string | undefined
}

type RowProps = { readonly row: EventRow; readonly messages: Messages; readonly clock: Clock }

/** An event that a language has no sentence for is told by its code. */
function eventText(event: string, messages: Messages): string {
  return new Map(Object.entries(messages.events)).get(event) ?? event
}

const Names = ({ names }: { names: readonly string[] }) => (
  <>
    {names.map((name, index) => (
      <>
        {index > 0 && ', '}
        <Name>{name}</Name>
      </>
    ))}
  </>
)

const Row = ({ row, messages, clock }: RowProps) => (
  <li class="event">
    <p>
      <b>{eventText(row.event, messages)}</b>
      {row.names.length > 0 && (
        <>
          {' '}
          · <Names names={row.names} />
        </>
      )}
    </p>
    <p class="hint">
      <Moment seconds={row.atSeconds} clock={clock} />
      {row.place && ` · ${row.place}`}
      {row.reason && (
        <>
          {' · '}
          <code>{row.reason}</code>
        </>
      )}
    </p>
  </li>
)

/** The audit log, as far as it is about this person (SECURITY §28). */
export const ActivityPage = (view: ActivityView) => {
  const text = view.frame.messages.activity
  return (
    <Layout title={text.title} frame={view.frame} here="activity" wide>
      <h1>{text.heading}</h1>
      <p class="lead">{text.lead}</p>
      {view.events.length === 0 && <p class="empty">{text.empty}</p>}
      <ol class="events">
        {view.events.map((row) => (
          <Row row={row} messages={view.frame.messages} clock={view.clock} />
        ))}
      </ol>
      {view.next && (
        <p>
          <a href={`/account/activity?before=${encodeURIComponent(view.next)}`}>{text.more}</a>
        </p>
      )}
    </Layout>
  )
}
