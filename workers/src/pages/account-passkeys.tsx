import { fill, fillText } from './fill.tsx'
import { type FormTicket, Host, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import { Lost, MayBeLost, type PasskeyLoss, Unsettled } from './lost-passkeys.tsx'
import type { Messages } from './messages/en.ts'
import { type Clock, Moment } from './moment.tsx'
import { type Ceremony, CeremonyForm } from './passkey.tsx'

export type PasskeyListRow = {
  readonly id: string
  readonly name: string
  readonly isSynced: boolean
  readonly madeAtSeconds: number
  readonly usedAtSeconds: number | undefined
}

/** An account elsewhere that stands for this one. */
export type IdentityRow = {
  readonly id: string
  readonly name: string
  readonly email: string | undefined
  readonly linkedAtSeconds: number
}

export type PasskeysView = {
  readonly frame: Frame
  readonly clock: Clock
  readonly rename: FormTicket
  readonly remove: FormTicket
  readonly passkeys: readonly PasskeyListRow[]
  readonly unlink: FormTicket
  readonly identities: readonly IdentityRow[]
  readonly losing: FormTicket
  readonly loss: PasskeyLoss | undefined
  readonly done: string | undefined
  readonly problem: string | undefined
}

type RowProps = { readonly row: PasskeyListRow; readonly view: PasskeysView; readonly text: Messages['passkeys'] }

const Rename = ({ row, view, text }: RowProps) => (
  <details>
    <summary class="plain">{text.rename}</summary>
    <TicketForm ticket={view.rename} class="fields">
      <input type="hidden" name="passkey" value={row.id} />
      <label for={row.id}>{fillText(text.new_name, { name: row.name })}</label>
      <input id={row.id} name="name" type="text" value={row.name} required maxlength={64} autocomplete="off" />
      <div>
        <button class="quiet small" type="submit">
          {text.save}
        </button>
      </div>
    </TicketForm>
  </details>
)

const Row = ({ row, view, text }: RowProps) => (
  <li class="item">
    <div class="item-text">
      <h2>
        {row.name} {row.isSynced && <span class="tag fresh">{text.synced}</span>}
      </h2>
      <p class="hint">
        {fill(text.made, { moment: <Moment seconds={row.madeAtSeconds} clock={view.clock} /> })}
        {' · '}
        {row.usedAtSeconds === undefined
          ? text.never_used
          : fill(text.used, { moment: <Moment seconds={row.usedAtSeconds} clock={view.clock} /> })}
      </p>
      <Rename row={row} view={view} text={text} />
    </div>
    <div class="item-actions">
      <TicketForm ticket={view.remove}>
        <input type="hidden" name="passkey" value={row.id} />
        <button class="quiet small" type="submit" aria-label={fillText(text.remove_name, { name: row.name })}>
          {text.remove}
        </button>
      </TicketForm>
    </div>
  </li>
)

const Elsewhere = ({ view, text }: Omit<RowProps, 'row'>) => (
  <section class="aside">
    <h2>{text.elsewhere}</h2>
    <p>{text.elsewhere_text}</p>
    <ul class="items">
      {view.identities.map(({ id, name, email, linkedAtSeconds }) => (
        <li class="item">
          <div class="item-text">
            <h3>{name}</h3>
            <p class="hint">
              {email && `${email} · `}
              {fill(text.linked, { moment: <Moment seconds={linkedAtSeconds} clock={view.clock} /> })}
            </p>
          </div>
          <div class="item-actions">
            <TicketForm ticket={view.unlink}>
              <input type="hidden" name="identity" value={id} />
              <button class="quiet small" type="submit" aria-label={fillText(text.unlink_name, { name })}>
                {text.unlink}
              </button>
            </TicketForm>
          </div>
        </li>
      ))}
    </ul>
  </section>
)

/** With which passkeys a person signs in, and from where else. */
export const PasskeysPage = (view: PasskeysView) => {
  const { passkeys: text, lost_passkeys } = view.frame.messages
  const { loss, clock } = view
  const about = { clock, ticket: view.losing, text: lost_passkeys }
  return (
    <Layout title={text.title} frame={view.frame} here="passkeys" wide>
      <h1>{text.heading}</h1>
      <p class="lead">{fill(text.lead, { host: <Host>{view.frame.issuerHost}</Host> })}</p>
      {view.done && <Notice tone="done">{view.done}</Notice>}
      {view.problem && <Notice tone="alert">{view.problem}</Notice>}
      {(loss?.kind === 'waiting' || loss?.kind === 'due') && <Lost {...about} loss={loss} />}
      {view.passkeys.length === 0 ? (
        <div class="empty">
          <p>{text.empty}</p>
        </div>
      ) : (
        <ul class="items">
          {view.passkeys.map((row) => (
            <Row row={row} view={view} text={text} />
          ))}
        </ul>
      )}
      {loss?.kind === 'unsettled' && <Unsettled {...about} loss={loss} />}
      {view.identities.length > 0 && <Elsewhere view={view} text={text} />}
      <section class="aside" aria-label={text.add}>
        <p>{text.email_stays}</p>
        <a class="button-link filled" href="/account/passkeys/add">
          {text.add}
        </a>
      </section>
      {loss?.kind === 'possible' && <MayBeLost {...about} loss={loss} />}
    </Layout>
  )
}

export type AddPasskeyView = {
  readonly frame: Frame
  readonly ticket: FormTicket
  readonly ceremony: Ceremony
  /** What it is called if the person has no better name. */
  readonly name: string
  readonly problem: string | undefined
}

export const AddPasskeyPage = (view: AddPasskeyView) => {
  const text = view.frame.messages.add_passkey
  return (
    <Layout title={text.title} frame={view.frame} here="passkeys" wide>
      <p class="back">
        <a href="/account/passkeys">{text.back}</a>
      </p>
      <h1>{text.heading}</h1>
      <p class="lead">{text.lead}</p>
      {view.problem && <Notice tone="alert">{view.problem}</Notice>}
      <CeremonyForm
        ticket={view.ticket}
        kind="create"
        ceremony={view.ceremony}
        conditional={false}
        text={view.frame.messages.passkey}
      >
        <label for="name">{text.name}</label>
        <input
          id="name"
          name="name"
          type="text"
          value={view.name}
          required
          maxlength={64}
          autocomplete="off"
          aria-describedby="name-hint"
        />
        <p class="hint" id="name-hint">
          {text.name_hint}
        </p>
        <button class="primary" type="submit">
          {text.submit}
        </button>
      </CeremonyForm>
    </Layout>
  )
}
