import { type ClientProof, ProofTag } from './client-proof.tsx'
import { fill, fillText } from './fill.tsx'
import { type FormTicket, Name, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'
import { type Clock, Moment } from './moment.tsx'
import { ScopeChips } from './scope-chips.tsx'

/** What a connection leads to: a registered server, our own API, or nothing but who the person is. */
export type ConnectionTarget =
  | { readonly kind: 'server'; readonly name: string; readonly host: string }
  | { readonly kind: 'management' }
  | { readonly kind: 'identity' }

export type ConnectionRow = {
  readonly id: string
  readonly client: { readonly name: string; readonly proof: ClientProof }
  readonly target: ConnectionTarget
  readonly scopes: readonly string[]
  readonly isSuspended: boolean
  readonly lastUsedAtSeconds: number | undefined
}

export type ConnectionsView = {
  readonly frame: Frame
  readonly clock: Clock
  readonly revoke: FormTicket
  readonly connections: readonly ConnectionRow[]
  readonly next: string | undefined
  readonly done: string | undefined
}

type Text = Messages['connections']

/** In running text, where there is no room for a host. */
export function targetName(target: ConnectionTarget, text: Text): string {
  if (target.kind === 'server') return target.name
  return target.kind === 'management' ? text.management : text.identity
}

const Target = ({ target, text }: { target: ConnectionTarget; text: Text }) => {
  if (target.kind !== 'server') return <>{targetName(target, text)}</>
  return (
    <>
      <Name>{target.name}</Name> <span class="item-host">{target.host}</span>
    </>
  )
}

type RowProps = { readonly row: ConnectionRow; readonly view: ConnectionsView; readonly text: Text }

const RowActions = ({ row, view, text }: RowProps) => {
  const names = { client: row.client.name, server: targetName(row.target, text) }
  return (
    <div class="item-actions">
      <a class="button-link" href={`/account/connections/${row.id}`} aria-label={fillText(text.details_name, names)}>
        {text.details}
      </a>
      <TicketForm ticket={view.revoke}>
        <input type="hidden" name="connection" value={row.id} />
        <button
          class="quiet small"
          type="submit"
          name="extent"
          value="one"
          aria-label={fillText(text.disconnect_name, names)}
        >
          {text.disconnect}
        </button>
      </TicketForm>
    </div>
  )
}

const Row = ({ row, view, text }: RowProps) => (
  <li class="item">
    <div class="item-text">
      <h2>
        <Name>{row.client.name}</Name>
        <ProofTag proof={row.client.proof} frame={view.frame} />
      </h2>
      <p>
        <Target target={row.target} text={text} />
      </p>
      <ScopeChips scopes={row.scopes} text={text} />
      <p class="hint">
        {row.lastUsedAtSeconds === undefined
          ? text.never_used
          : fill(text.last_used, { moment: <Moment seconds={row.lastUsedAtSeconds} clock={view.clock} /> })}
      </p>
      {row.isSuspended && <p class="caution-text">{text.suspended}</p>}
    </div>
    <RowActions row={row} view={view} text={text} />
  </li>
)

const DisconnectAll = ({ ticket, text }: { ticket: FormTicket; text: Text }) => (
  <details class="aside">
    <summary>{text.all_summary}</summary>
    <p>{text.all_text}</p>
    <TicketForm ticket={ticket}>
      <button class="danger" type="submit" name="extent" value="all">
        {text.all_submit}
      </button>
    </TicketForm>
  </details>
)

const Empty = ({ text }: { text: Text }) => (
  <div class="empty">
    <p>
      <b>{text.empty}</b>
    </p>
    <p class="hint">{text.empty_help}</p>
  </div>
)

/** Everything that may act in the person's name, the last used first (THREATS B31). */
export const ConnectionsPage = (view: ConnectionsView) => {
  const text = view.frame.messages.connections
  return (
    <Layout title={text.title} frame={view.frame} here="connections" wide>
      <h1>{text.heading}</h1>
      <p class="lead">{text.lead}</p>
      {view.done && <Notice tone="done">{view.done}</Notice>}
      {view.connections.length === 0 ? (
        <Empty text={text} />
      ) : (
        <ul class="items">
          {view.connections.map((row) => (
            <Row row={row} view={view} text={text} />
          ))}
        </ul>
      )}
      {view.next && (
        <p>
          <a href={`/account?after=${encodeURIComponent(view.next)}`}>{text.more}</a>
        </p>
      )}
      {view.connections.length > 1 && <DisconnectAll ticket={view.revoke} text={text} />}
    </Layout>
  )
}
