import { Middleware } from './dashboard-middleware.tsx'
import { Act, Field, Older, Section, type ServerFrame, ServerLayout, type Text, When } from './dashboard-parts.tsx'
import { fill } from './fill.tsx'
import { TicketForm } from './form.tsx'
import type { Clock } from './moment.tsx'

type KeyView = {
  readonly key_id: string
  readonly name: string
  readonly last_four: string
  readonly created_at_seconds: number
  readonly expires_at_seconds?: number | undefined
  readonly last_used_at_seconds?: number | undefined
  readonly revoked_at_seconds?: number | undefined
}

export type KeysView = ServerFrame & {
  readonly keys: readonly KeyView[]
  readonly next: string | undefined
  readonly secret?: string | undefined
  readonly issuer: string
}

type Lived = Omit<KeyView, 'key_id' | 'name' | 'last_four'>
type LifeProps = { readonly of: Lived; readonly clock: Clock; readonly text: Text }

/** As long as the owner is told of it ahead. */
const soonSeconds = 7 * 86_400

export function isLive({ revoked_at_seconds, expires_at_seconds }: Lived, { nowSeconds }: Clock): boolean {
  return revoked_at_seconds === undefined && (expires_at_seconds === undefined || expires_at_seconds > nowSeconds)
}

/** When a credential was made and used, and when it ends. */
export const Life = ({ of, clock, text }: LifeProps) => (
  <p class="hint">
    {fill(text.made, { moment: <When seconds={of.created_at_seconds} clock={clock} /> })}
    {' · '}
    {of.last_used_at_seconds === undefined
      ? text.never_used
      : fill(text.last_used, { moment: <When seconds={of.last_used_at_seconds} clock={clock} /> })}
    {of.revoked_at_seconds === undefined && of.expires_at_seconds !== undefined && (
      <>
        {' · '}
        {fill(isLive(of, clock) ? text.ends : text.ended, {
          moment: <When seconds={of.expires_at_seconds} clock={clock} />,
        })}
      </>
    )}
  </p>
)

/** What stands beside the name of a credential that is not simply good. */
export const LifeTag = ({ of, clock, text }: LifeProps) => {
  if (of.revoked_at_seconds !== undefined) return <span class="tag">{text.revoked}</span>
  if (!isLive(of, clock)) return <span class="tag">{text.expired}</span>
  const isSoon = of.expires_at_seconds !== undefined && of.expires_at_seconds < clock.nowSeconds + soonSeconds
  return isSoon ? <span class="tag caution">{text.ends_soon}</span> : null
}

const Key = ({ item, view, text }: { item: KeyView; view: KeysView; text: Text }) => (
  <li class="item">
    <div class="item-text">
      <h2>
        <bdi>{item.name}</bdi> <LifeTag of={item} clock={view.clock} text={text} />
      </h2>
      <p>
        <code>{item.key_id}</code> · …{item.last_four}
      </p>
      <Life of={item} clock={view.clock} text={text} />
    </div>
    {isLive(item, view.clock) && (
      <Act ticket={view.ticket} act="revoke_key" label={text.revoke} about={item.name} fields={{ id: item.key_id }} />
    )}
  </li>
)

const Create = ({ view, text }: { view: KeysView; text: Text }) => (
  <Section title={text.new_key}>
    <TicketForm ticket={view.ticket} class="fields">
      <Field id="name" label={text.key_name} hint={text.key_name_hint}>
        <input id="name" name="name" type="text" maxlength={100} required aria-describedby="name-hint" />
      </Field>
      <Field id="days" label={text.key_expires} hint={text.key_expires_hint}>
        <input id="days" class="short" name="days" type="number" min="1" max="365" aria-describedby="days-hint" />
      </Field>
      <div>
        <button class="primary small" type="submit" name="act" value="create_key">
          {text.create_key}
        </button>
      </div>
    </TicketForm>
  </Section>
)

export const KeysPage = (view: KeysView) => {
  const text = view.frame.messages.dashboard
  return (
    <ServerLayout view={view} here="keys" secret={view.secret}>
      <p>{text.keys_lead}</p>
      {view.keys.length === 0 ? (
        <p class="empty">{text.no_keys}</p>
      ) : (
        <ul class="items">
          {view.keys.map((item) => (
            <Key item={item} view={view} text={text} />
          ))}
        </ul>
      )}
      {view.next && <Older next={view.next} text={text} />}
      <Create view={view} text={text} />
      <Middleware server={view.server} issuer={view.issuer} text={text} />
    </ServerLayout>
  )
}
