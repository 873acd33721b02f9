import {
  Act,
  Choice,
  Field,
  Older,
  Section,
  type ServerFrame,
  ServerLayout,
  type Text,
  When,
} from './dashboard-parts.tsx'
import { fill } from './fill.tsx'
import { Name, TicketForm } from './form.tsx'
import { ScopeChips } from './scope-chips.tsx'

type RuleView = {
  readonly rule_id: string
  readonly effect: string
  readonly client_id?: string | undefined
  readonly host?: string | undefined
}

type ConnectionView = {
  readonly connection_id: string
  readonly client_id: string
  readonly client_name: string
  readonly sub: string
  readonly email?: string | undefined
  readonly scopes: readonly string[]
  readonly created_at_seconds: number
  readonly last_used_at_seconds?: number | undefined
}

export type ClientsView = ServerFrame & {
  readonly rules: readonly RuleView[]
  readonly connections: readonly ConnectionView[]
  readonly next: string | undefined
}

type PartProps = { readonly view: ClientsView; readonly text: Text }
const policies = ['any', 'not_dynamic', 'pre_registered', 'listed'] as const

/** Who is connected, and who may come (THREATS A36, J26). */
export const ClientsPage = (view: ClientsView) => {
  const text = view.frame.messages.dashboard
  return (
    <ServerLayout view={view} here="clients">
      <section>
        <h2>{text.connections}</h2>
        <Connections view={view} text={text} />
        {view.next && <Older next={view.next} text={text} />}
      </section>
      <Policy view={view} text={text} />
      <Rules view={view} text={text} />
    </ServerLayout>
  )
}

const Policy = ({ view, text }: PartProps) => (
  <section class="section">
    <TicketForm ticket={view.ticket} class="fields">
      <fieldset>
        <legend>{text.policy}</legend>
        <div class="options">
          {policies.map((policy) => (
            <Choice type="radio" name="policy" value={policy} checked={view.server.client_policy === policy}>
              {text[`policy_${policy}`]}
            </Choice>
          ))}
        </div>
      </fieldset>
      <div>
        <button class="primary small" type="submit" name="act" value="policy">
          {text.save}
        </button>
      </div>
    </TicketForm>
  </section>
)

const Rule = ({ rule, view, text }: PartProps & { readonly rule: RuleView }) => {
  const subject = rule.client_id ?? rule.host ?? ''
  return (
    <li class="item">
      <div class="item-text">
        <p>
          <code>{subject}</code>{' '}
          <span class={rule.effect === 'block' ? 'tag caution' : 'tag fresh'}>
            {rule.effect === 'block' ? text.rule_block : text.rule_allow}
          </span>
        </p>
      </div>
      <Act ticket={view.ticket} act="remove_rule" label={text.remove} about={subject} fields={{ id: rule.rule_id }} />
    </li>
  )
}

const Rules = ({ view, text }: PartProps) => (
  <Section title={text.rules}>
    <p>{text.rules_lead}</p>
    <ul class="items">
      {view.rules.map((rule) => (
        <Rule rule={rule} view={view} text={text} />
      ))}
    </ul>
    <TicketForm ticket={view.ticket} class="fields">
      <Field id="subject" label={text.rule_subject}>
        <input id="subject" name="subject" type="text" autocomplete="off" maxlength={2048} required />
      </Field>
      <div class="row">
        <button class="quiet small" type="submit" name="act" value="block">
          {text.block}
        </button>
        <button class="quiet small" type="submit" name="act" value="allow">
          {text.allow}
        </button>
      </div>
    </TicketForm>
  </Section>
)

const Connections = ({ view, text }: PartProps) =>
  view.connections.length === 0 ? (
    <p class="empty">{text.no_connections}</p>
  ) : (
    <ul class="items">
      {view.connections.map((connection) => (
        <Connection connection={connection} view={view} text={text} />
      ))}
    </ul>
  )

const Connection = ({ connection, view, text }: PartProps & { readonly connection: ConnectionView }) => {
  const { clock, ticket } = view
  const { client_name, client_id, connection_id, created_at_seconds, last_used_at_seconds: used } = connection
  const who = connection.email ?? connection.sub
  return (
    <li class="item">
      <div class="item-text">
        <h3>
          <Name>{client_name}</Name>
        </h3>
        <p>{who}</p>
        <ScopeChips scopes={connection.scopes} text={view.frame.messages.connections} />
        <p class="hint">
          {fill(text.connected_since, { moment: <When seconds={created_at_seconds} clock={clock} /> })}
          {' · '}
          {used === undefined
            ? text.never_used
            : fill(text.last_used, { moment: <When seconds={used} clock={clock} /> })}
        </p>
      </div>
      <div class="row">
        <Act
          ticket={ticket}
          act="disconnect"
          label={text.disconnect}
          about={`${client_name}, ${who}`}
          fields={{ id: connection_id }}
        />
        <Act ticket={ticket} act="block" label={text.block_client} about={client_name} fields={{ client_id }} />
      </div>
    </li>
  )
}
