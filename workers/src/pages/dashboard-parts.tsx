import type { Child, PropsWithChildren } from 'hono/jsx'
import { type FormTicket, Name, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'
import { type Clock, Moment } from './moment.tsx'

export type ScopeView = {
  readonly name: string
  readonly description: string
  readonly required: boolean
  readonly default: boolean
}

/** A server as its owner's pages know it. */
export type ServerView = {
  readonly server_id: string
  readonly server_url: string
  readonly server_name: string
  readonly status: string
  readonly description?: string | undefined
  readonly logo_url?: string | undefined
  readonly scopes: readonly ScopeView[]
  readonly token_lifetime_seconds?: number | undefined
  readonly share_email: boolean
  readonly requires_passkey: boolean
  readonly sign_in_max_age_seconds?: number | undefined
  readonly client_policy: string
  readonly offered_to?: string | undefined
  readonly proof?:
    | {
        readonly method?: string | undefined
        readonly checked_at_seconds?: number | undefined
        readonly failing_since_seconds?: number | undefined
        readonly seen?: string | undefined
      }
    | undefined
}

export type Text = Messages['dashboard']
/** What was done a moment ago, by the last form of the page before. */
export type Done = keyof Text['done']

/** What every page of one server has. */
export type ServerFrame = {
  readonly frame: Frame
  readonly clock: Clock
  readonly ticket: FormTicket
  readonly server: ServerView
  readonly done?: Done | undefined
}

const tabs = ['overview', 'keys', 'clients', 'usage', 'authorizations', 'events', 'webhooks'] as const
export type Tab = (typeof tabs)[number]

export const Status = ({ server, text }: { server: Pick<ServerView, 'status' | 'proof'>; text: Text }) => {
  const isGood = server.status === 'verified' && server.proof?.failing_since_seconds === undefined
  const fails = isGood ? text.status_verified : text.proof_fails
  const waits = server.status === 'pending' ? text.status_pending : text.status_suspended
  const shown = server.status === 'verified' ? fails : waits
  return <span class={isGood ? 'tag fresh' : 'tag caution'}>{shown}</span>
}

const Tabs = ({ here, server_id, text }: { here: Tab; server_id: string; text: Text }) => (
  <nav class="nav tabs" aria-label={text.tabs}>
    <ul>
      {tabs.map((tab) => (
        <li>
          <a
            href={`/dashboard/servers/${server_id}${tab === 'overview' ? '' : `/${tab}`}`}
            aria-current={tab === here ? 'page' : undefined}
          >
            {text[`tab_${tab}`]}
          </a>
        </li>
      ))}
    </ul>
  </nav>
)

type ServerLayoutProps = PropsWithChildren<{ view: ServerFrame; here: Tab; secret?: string | undefined }>

/** The frame of each page of one server: its name, how it stands, and its other pages. */
export const ServerLayout = ({ view, here, secret, children }: ServerLayoutProps) => {
  const { server, frame } = view
  const text = frame.messages.dashboard
  return (
    <Layout title={`${text[`tab_${here}`]} · ${server.server_name}`} frame={frame} here="servers" wide>
      <p class="back">
        <a href="/dashboard">{text.back}</a>
      </p>
      <h1 class="with-tag">
        <Name>{server.server_name}</Name> <Status server={server} text={text} />
      </h1>
      <p class="hint wrap">
        {server.server_url}
        <br />
        <code>{server.server_id}</code>
      </p>
      <Tabs here={here} server_id={server.server_id} text={text} />
      {view.done && (
        <Notice tone="done">
          {text.done[view.done]}{' '}
          {view.done === 'registered' && <a href={`/dashboard/servers/${server.server_id}/keys`}>{text.new_key}</a>}
        </Notice>
      )}
      {secret && <Secret secret={secret} text={text} />}
      {children}
    </Layout>
  )
}

/** The one time that a secret is shown (THREATS J5). */
export const Secret = ({ secret, text }: { secret: string; text: Text }) => (
  <Notice tone="done">
    <p>
      <b>{text.secret_label}</b>
    </p>
    <p>
      <code class="secret">{secret}</code>
    </p>
    <p>{text.secret_once}</p>
  </Notice>
)

/** A part of a page that stands apart from what is before it. */
export const Section = ({ title, children }: PropsWithChildren<{ title: string }>) => (
  <section class="section">
    <h2>{title}</h2>
    {children}
  </section>
)

type FieldProps = PropsWithChildren<{ id: string; label: string; hint?: string }>

/** A field with its label above and what helps to fill it below; the control names the hint `ID-hint`. */
export const Field = ({ id, label, hint, children }: FieldProps) => (
  <div class="field">
    <label for={id}>{label}</label>
    {children}
    {hint && (
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    )}
  </div>
)

type ChoiceProps = {
  readonly type: 'checkbox' | 'radio'
  readonly name: string
  readonly value: string
  readonly checked?: boolean
  readonly children?: Child
}

/** A box or a round button, and beside it what it means: all of it can be pressed. */
export const Choice = ({ type, name, value, checked, children }: ChoiceProps) => (
  <label class="choice">
    <input type={type} name={name} value={value} checked={checked} /> <span>{children}</span>
  </label>
)

type ActProps = {
  readonly ticket: FormTicket
  readonly act: string
  readonly label: string
  /** What the act is about, for whoever hears the button alone. */
  readonly about?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly tone?: 'quiet' | 'danger'
}

/** A button that is a form of its own. */
export const Act = ({ ticket, act, label, about, fields = {}, tone = 'quiet' }: ActProps) => (
  <TicketForm ticket={ticket}>
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <button
      class={tone === 'quiet' ? 'quiet small' : 'danger'}
      name="act"
      value={act}
      type="submit"
      aria-label={about && `${label}: ${about}`}
    >
      {label}
    </button>
  </TicketForm>
)

/** Where the page before the oldest entry is; the filter of this page stays. */
export const Older = ({
  query,
  next,
  text,
}: {
  query?: Readonly<Record<string, string>>
  next: string
  text: Text
}) => (
  <p class="older">
    <a href={`?${new URLSearchParams({ ...query, cursor: next }).toString()}`}>{text.more}</a>
  </p>
)

export const When = ({ seconds, clock }: { seconds: number; clock: Clock }) => (
  <Moment seconds={seconds} clock={clock} />
)
