import { type ConnectionRow, targetName } from './account-connections.tsx'
import { Proof } from './client-proof.tsx'
import type { RedirectTarget } from './consent-parties.tsx'
import { fill } from './fill.tsx'
import { type FormTicket, Host, Name, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'
import { type Clock, Moment } from './moment.tsx'
import { type ScopeChoice, ScopeRow } from './scope-row.tsx'

export type ConnectionView = {
  readonly frame: Frame
  readonly clock: Clock
  readonly row: ConnectionRow
  readonly redirect: RedirectTarget
  readonly sharesEmail: boolean
  readonly sharesProfile: boolean
  readonly approvedAtSeconds: number
  readonly approvedFrom: string
  readonly idleEndsAtSeconds: number
  readonly endsAtSeconds: number
  readonly scopes: readonly ScopeChoice[]
  readonly narrow: FormTicket
  readonly revoke: FormTicket
  readonly counts: { readonly ofClient: number; readonly ofServer: number; readonly ofAll: number }
  readonly done: string | undefined
}

type Text = Messages['connection']
type Props = { readonly view: ConnectionView; readonly text: Text }

const Fact = ({ name, children }: { name: string; children: unknown }) => (
  <div class="party">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

const shared = ({ sharesEmail, sharesProfile }: ConnectionView, text: Text): string =>
  [
    ...(sharesEmail ? [text.shared_email] : []),
    ...(sharesProfile ? [text.shared_profile] : []),
    text.shared_subject,
  ].join(', ')

const Facts = ({ view, text }: Props) => {
  const { frame, row, redirect, clock } = view
  return (
    <dl class="parties">
      <Fact name={text.program}>
        <Name>{row.client.name}</Name>
        <span>
          <Proof proof={row.client.proof} frame={frame} />
        </span>
      </Fact>
      <Fact name={text.server}>
        <Name>{targetName(row.target, frame.messages.connections)}</Name>
        {row.target.kind === 'server' && <Host>{row.target.host}</Host>}
      </Fact>
      <Fact name={text.returns_to}>
        <Host>{redirect.kind === 'private_use' ? `${redirect.scheme}:` : redirect.host}</Host>
      </Fact>
      <Fact name={text.shared}>{shared(view, text)}</Fact>
      <Fact name={text.approved}>
        <span>
          {fill(text.approved_from, {
            moment: <Moment seconds={view.approvedAtSeconds} clock={clock} />,
            place: view.approvedFrom,
          })}
        </span>
      </Fact>
      {row.lastUsedAtSeconds !== undefined && (
        <Fact name={text.used}>
          <Moment seconds={row.lastUsedAtSeconds} clock={clock} />
        </Fact>
      )}
      <Fact name={text.ends}>
        <span>
          {fill(view.idleEndsAtSeconds < view.endsAtSeconds ? text.ends_idle : text.ends_latest, {
            idle: <Moment seconds={view.idleEndsAtSeconds} clock={clock} />,
            latest: <Moment seconds={view.endsAtSeconds} clock={clock} />,
          })}
        </span>
      </Fact>
    </dl>
  )
}

const Narrow = ({ view, text }: Props) => {
  const isFixed = view.scopes.every(({ required }) => required)
  return (
    <TicketForm ticket={view.narrow}>
      <input type="hidden" name="connection" value={view.row.id} />
      <fieldset>
        <legend>{text.narrow_heading}</legend>
        <p class="hint">{isFixed ? text.narrow_fixed : text.narrow_hint}</p>
        <ul class="scopes">
          {view.scopes.map((scope, index) => (
            <ScopeRow scope={scope} index={index}>
              {scope.required && <span class="tag">{text.scope_required}</span>}
            </ScopeRow>
          ))}
        </ul>
      </fieldset>
      {!isFixed && (
        <p class="row">
          <button class="primary" type="submit">
            {text.narrow_submit}
          </button>
        </p>
      )}
    </TicketForm>
  )
}

const EndMore = ({ view, text }: Props) => {
  const { ofClient, ofServer, ofAll } = view.counts
  if (ofAll < 2) return null
  const client = <Name>{view.row.client.name}</Name>
  const server = <Name>{targetName(view.row.target, view.frame.messages.connections)}</Name>
  return (
    <details>
      <summary>{text.end_more}</summary>
      <div class="stack">
        {ofClient > 1 && (
          <button class="danger quiet" type="submit" name="extent" value="client">
            {fill(text.end_client, { client, count: String(ofClient) })}
          </button>
        )}
        {ofServer > 1 && (
          <button class="danger quiet" type="submit" name="extent" value="server">
            {fill(text.end_server, { server, count: String(ofServer) })}
          </button>
        )}
        <button class="danger quiet" type="submit" name="extent" value="all">
          {fill(text.end_all, { count: String(ofAll) })}
        </button>
      </div>
    </details>
  )
}

/** One connection: who, since when, what it may do, and how it ends. */
export const ConnectionPage = (view: ConnectionView) => {
  const text = view.frame.messages.connection
  const { row, frame } = view
  const server = <Name>{targetName(row.target, frame.messages.connections)}</Name>
  return (
    <Layout title={text.title} frame={frame} here="connections" wide>
      <p class="back">
        <a href="/account">{text.back}</a>
      </p>
      <h1>{fill(frame.messages.connections.from_to, { client: <Name>{row.client.name}</Name>, server })}</h1>
      {view.done && <Notice tone="done">{view.done}</Notice>}
      {row.isSuspended && <p class="caution-text">{frame.messages.connections.suspended}</p>}
      <Facts view={view} text={text} />
      {view.scopes.length > 0 && <Narrow view={view} text={text} />}
      <section class="aside" aria-labelledby="end-heading">
        <h2 id="end-heading">{text.end_heading}</h2>
        <p>{text.end_one_text}</p>
        <TicketForm ticket={view.revoke}>
          <input type="hidden" name="connection" value={row.id} />
          <p>
            <button class="danger" type="submit" name="extent" value="one">
              {text.end_one}
            </button>
          </p>
          <EndMore view={view} text={text} />
        </TicketForm>
      </section>
    </Layout>
  )
}
