import { fill } from './fill.tsx'
import { type FormTicket, Notice, TicketForm } from './form.tsx'
import type { Messages } from './messages/en.ts'
import { type Clock, exactMoment, Moment, spanText } from './moment.tsx'

/** Somebody has said so: it can be stopped, and after the wait be done. */
type ReportedLoss = {
  readonly kind: 'waiting' | 'due'
  readonly reportedAtSeconds: number
  readonly removableAtSeconds: number
  readonly lapsesAtSeconds: number
}

/** How things stand with passkeys that are lost, or said to be. */
export type PasskeyLoss =
  /** A code is enough to remove them, until then. */
  | { readonly kind: 'unsettled'; readonly settlesAtSeconds: number }
  | { readonly kind: 'possible'; readonly waitSeconds: number }
  | ReportedLoss

type LossProps<Loss> = {
  readonly clock: Clock
  readonly ticket: FormTicket
  readonly loss: Loss
  readonly text: Messages['lost_passkeys']
}

export const Unsettled = ({ clock, loss, text }: LossProps<Extract<PasskeyLoss, { kind: 'unsettled' }>>) => (
  <p class="hint">{fill(text.unsettled, { moment: exactMoment(loss.settlesAtSeconds, clock.language) })}</p>
)

export const MayBeLost = ({ clock, ticket, loss, text }: LossProps<Extract<PasskeyLoss, { kind: 'possible' }>>) => (
  <section class="aside" id="lost">
    <h2>{text.heading}</h2>
    <p>{fill(text.text, { wait: spanText(loss.waitSeconds, clock.language) })}</p>
    <TicketForm ticket={ticket}>
      <button class="quiet" type="submit" name="act" value="report">
        {text.report}
      </button>
    </TicketForm>
  </section>
)

/** First of all, because whoever did not ask for it has to see it. */
export const Lost = ({ clock, ticket, loss, text }: LossProps<ReportedLoss>) => {
  const { language } = clock
  const values = {
    removable: exactMoment(loss.removableAtSeconds, language),
    lapses: exactMoment(loss.lapsesAtSeconds, language),
  }
  return (
    <Notice tone="plain" id="lost">
      <h2>{text.reported_heading}</h2>
      <p>
        {fill(text.reported, { moment: <Moment seconds={loss.reportedAtSeconds} clock={clock} /> })}{' '}
        {fill(loss.kind === 'due' ? text.due : text.waiting, values)} {text.stop}
      </p>
      <TicketForm ticket={ticket} class="row">
        <button class="primary" type="submit" name="act" value="keep">
          {text.keep}
        </button>
        {loss.kind === 'due' && (
          <button class="danger" type="submit" name="act" value="remove">
            {text.remove}
          </button>
        )}
      </TicketForm>
    </Notice>
  )
}
