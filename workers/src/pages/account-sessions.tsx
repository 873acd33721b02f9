import { fill, fillText } from './fill.tsx'
import { type FormTicket, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'
import { type Clock, Moment } from './moment.tsx'

export type SessionRow = {
  readonly id: string
  readonly isCurrent: boolean
  readonly place: string
  readonly signedInAtSeconds: number
  readonly lastUsedAtSeconds: number
}

export type SessionsView = {
  readonly frame: Frame
  readonly clock: Clock
  readonly end: FormTicket
  readonly sessions: readonly SessionRow[]
  readonly done: string | undefined
}

type RowProps = { readonly row: SessionRow; readonly view: SessionsView; readonly text: Messages['sessions'] }

const Row = ({ row, view, text }: RowProps) => (
  <li class="item">
    <div class="item-text">
      <h2>
        {row.place} {row.isCurrent && <span class="tag fresh">{text.current}</span>}
      </h2>
      <p class="hint">
        {fill(text.signed_in, { moment: <Moment seconds={row.signedInAtSeconds} clock={view.clock} /> })}
        {' · '}
        {fill(text.last_used, { moment: <Moment seconds={row.lastUsedAtSeconds} clock={view.clock} /> })}
      </p>
    </div>
    {!row.isCurrent && (
      <div class="item-actions">
        <TicketForm ticket={view.end}>
          <input type="hidden" name="session" value={row.id} />
          <button
            class="quiet small"
            type="submit"
            name="extent"
            value="one"
            aria-label={fillText(text.end_name, { place: row.place })}
          >
            {text.end}
          </button>
        </TicketForm>
      </div>
    )}
  </li>
)

/** In which browsers somebody is signed in as this person (SECURITY §9). */
export const SessionsPage = (view: SessionsView) => {
  const text = view.frame.messages.sessions
  return (
    <Layout title={text.title} frame={view.frame} here="sessions" wide>
      <h1>{text.heading}</h1>
      <p class="lead">{text.lead}</p>
      {view.done && <Notice tone="done">{view.done}</Notice>}
      <ul class="items">
        {view.sessions.map((row) => (
          <Row row={row} view={view} text={text} />
        ))}
      </ul>
      {view.sessions.length > 1 && (
        <section class="aside" aria-label={text.others}>
          <p>{text.others_text}</p>
          <TicketForm ticket={view.end}>
            <button class="primary" type="submit" name="extent" value="others">
              {text.others}
            </button>
          </TicketForm>
        </section>
      )}
    </Layout>
  )
}
