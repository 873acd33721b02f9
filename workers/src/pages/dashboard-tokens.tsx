import { isLive, Life, LifeTag } from './dashboard-keys.tsx'
import { Act, Choice, type Done, Field, Older, Secret, Section, type Text } from './dashboard-parts.tsx'
import { type FormTicket, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Clock } from './moment.tsx'

type TokenView = {
  readonly token_id: string
  readonly name: string
  readonly last_four: string
  readonly scopes: readonly string[]
  readonly created_at_seconds: number
  readonly expires_at_seconds: number
  readonly last_used_at_seconds?: number | undefined
  readonly revoked_at_seconds?: number | undefined
}

export type TokensView = {
  readonly frame: Frame
  readonly clock: Clock
  readonly ticket: FormTicket
  readonly tokens: readonly TokenView[]
  readonly next: string | undefined
  readonly secret?: string | undefined
  readonly done?: Done | undefined
}

const scopes = [
  ['servers:read', 'scope_read'],
  ['servers:write', 'scope_write'],
  ['keys:write', 'scope_keys'],
] as const

type PartProps = { readonly view: TokensView; readonly text: Text }

const Create = ({ view, text }: PartProps) => (
  <Section title={text.new_token}>
    <TicketForm ticket={view.ticket} class="fields">
      <Field id="name" label={text.token_name} hint={text.token_name_hint}>
        <input id="name" name="name" type="text" maxlength={100} required aria-describedby="name-hint" />
      </Field>
      <fieldset>
        <legend>{text.token_scopes}</legend>
        <div class="options">
          {scopes.map(([scope, words]) => (
            <Choice type="checkbox" name="scope" value={scope} checked={scope === 'servers:read'}>
              {text[words]} <code class="chip">{scope}</code>
            </Choice>
          ))}
        </div>
      </fieldset>
      <Field id="days" label={text.token_days} hint={text.token_days_hint}>
        <input
          id="days"
          class="short"
          name="days"
          type="number"
          min="1"
          max="90"
          value="30"
          aria-describedby="days-hint"
        />
      </Field>
      <div>
        <button class="primary small" type="submit" name="act" value="create_token">
          {text.create_token}
        </button>
      </div>
    </TicketForm>
  </Section>
)

const Token = ({ token, view, text }: PartProps & { readonly token: TokenView }) => (
  <li class="item">
    <div class="item-text">
      <h2>
        <bdi>{token.name}</bdi> <LifeTag of={token} clock={view.clock} text={text} />
      </h2>
      <p>
        <code>{token.token_id}</code> · …{token.last_four}
      </p>
      <p class="chips">
        {token.scopes.map((scope) => (
          <code class="chip">{scope}</code>
        ))}
      </p>
      <Life of={token} clock={view.clock} text={text} />
    </div>
    {isLive(token, view.clock) && (
      <Act
        ticket={view.ticket}
        act="revoke_token"
        label={text.revoke}
        about={token.name}
        fields={{ id: token.token_id }}
      />
    )}
  </li>
)

/** Personal tokens for curl and CI (THREATS J19). */
export const TokensPage = (view: TokensView) => {
  const text = view.frame.messages.dashboard
  return (
    <Layout title={text.tokens} frame={view.frame} here="servers" wide>
      <p class="back">
        <a href="/dashboard">{text.back}</a>
      </p>
      <h1>{text.tokens}</h1>
      <p>{text.tokens_lead}</p>
      {view.done && <Notice tone="done">{text.done[view.done]}</Notice>}
      {view.secret && <Secret secret={view.secret} text={text} />}
      {view.tokens.length === 0 ? (
        <p class="empty">{text.no_tokens}</p>
      ) : (
        <ul class="items">
          {view.tokens.map((token) => (
            <Token token={token} view={view} text={text} />
          ))}
        </ul>
      )}
      {view.next && <Older next={view.next} text={text} />}
      <Create view={view} text={text} />
    </Layout>
  )
}
