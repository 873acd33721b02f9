import { Event, type EventView, Reason } from './dashboard-event.tsx'
import { Field, Older, type ServerFrame, ServerLayout, type Text, When } from './dashboard-parts.tsx'
import { fill } from './fill.tsx'
import { Name } from './form.tsx'

type AuthorizationView = {
  readonly started_at_seconds: number
  readonly state: string
  readonly client_name: string
  readonly steps: readonly EventView[]
  readonly last_refusal?:
    | {
        readonly step: string
        readonly reason: string
        readonly reference?: string | null | undefined
        readonly occurred_at_seconds: number
      }
    | undefined
}

export type AuthorizationsView = ServerFrame & {
  readonly authorizations: readonly AuthorizationView[]
  /** Of the page that somebody saw; only what gave that reference is shown. */
  readonly reference: string | undefined
  readonly next: string | undefined
}

/** A state that a newer database tells stands for itself. */
function stateText(state: string, text: Readonly<Record<string, unknown>>): string {
  const known = text[`state_${state}`]
  return typeof known === 'string' ? known : state
}

type OneProps = { readonly one: AuthorizationView; readonly view: AuthorizationsView; readonly text: Text }

const Refusal = ({ one, view, text }: OneProps) => {
  const { last_refusal: refusal } = one
  if (refusal === undefined) return null
  return (
    <p class="caution-text">
      {fill(text.refused_last, {
        moment: <When seconds={refusal.occurred_at_seconds} clock={view.clock} />,
        step: <code>{refusal.step}</code>,
        reason: <Reason reason={refusal.reason} />,
      })}
      {refusal.reference && (
        <>
          {' · '}
          <code>{refusal.reference}</code>
        </>
      )}
    </p>
  )
}

/** Its steps lie open where it was asked for. */
const Authorization = ({ one, view, text }: OneProps) => (
  <li class="event">
    <h2 class="with-tag">
      <Name>{one.client_name}</Name>{' '}
      <span class={one.state === 'connected' ? 'tag fresh' : 'tag'}>{stateText(one.state, text)}</span>
    </h2>
    <p class="hint">
      <When seconds={one.started_at_seconds} clock={view.clock} />
    </p>
    <Refusal one={one} view={view} text={text} />
    {one.steps.length > 0 && (
      <details class="calm" open={view.reference !== undefined}>
        <summary>{text.steps}</summary>
        <ol class="events timeline">
          {one.steps.map((event) => (
            <Event event={event} clock={view.clock} text={text} />
          ))}
        </ol>
      </details>
    )}
  </li>
)

const Find = ({ view, text }: { view: AuthorizationsView; text: Text }) => (
  <search>
    <form method="get" class="fields">
      <Field id="reference" label={text.reference}>
        <div class="row">
          <input
            id="reference"
            class="middle"
            name="reference"
            type="text"
            autocomplete="off"
            maxlength={100}
            value={view.reference ?? ''}
          />
          <button class="quiet" type="submit">
            {text.find}
          </button>
          {view.reference && <a href="?">{text.show_all}</a>}
        </div>
      </Field>
    </form>
  </search>
)

/** How far each authorization came, and why it stopped. */
export const AuthorizationsPage = (view: AuthorizationsView) => {
  const text = view.frame.messages.dashboard
  return (
    <ServerLayout view={view} here="authorizations">
      <p>{text.attempts_lead}</p>
      <Find view={view} text={text} />
      {view.authorizations.length === 0 ? (
        <p class="empty">{view.reference === undefined ? text.no_attempts : text.no_attempts_found}</p>
      ) : (
        <ul class="events">
          {view.authorizations.map((one) => (
            <Authorization one={one} view={view} text={text} />
          ))}
        </ul>
      )}
      {view.next && <Older query={view.reference ? { reference: view.reference } : {}} next={view.next} text={text} />}
    </ServerLayout>
  )
}
