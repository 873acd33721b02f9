import { Act, Choice, Field, Section, type ServerFrame, ServerLayout, type Text, When } from './dashboard-parts.tsx'
import { fill, fillText } from './fill.tsx'
import { TicketForm } from './form.tsx'

type MessageView = {
  readonly message_id: string
  readonly type: string
  readonly created_at_seconds: number
  readonly attempts: number
  readonly state: string
  readonly next_attempt_at_seconds?: number | undefined
  readonly seen?: string | undefined
}

type WebhookView = {
  readonly webhook_id: string
  readonly url: string
  readonly events: readonly string[]
  readonly messages: readonly MessageView[]
}

export type WebhooksView = ServerFrame & {
  readonly webhooks: readonly WebhookView[]
  readonly secret?: string | undefined
}

/** What an owner can be told of, and its words. */
const kinds = [
  ['connection.made', 'event_connection_made'],
  ['connection.revoked', 'event_connection_revoked'],
  ['theft.suspected', 'event_theft_suspected'],
  ['key.expiring', 'event_key_expiring'],
  ['proof.failing', 'event_proof_failing'],
  ['server.suspended', 'event_server_suspended'],
] as const

type PartProps = { readonly view: WebhooksView; readonly text: Text }

const MessageState = ({ state, text }: { state: string; text: Text }) => {
  if (state === 'delivered') return <span class="tag fresh">{text.message_delivered}</span>
  if (state === 'waiting') return <span class="tag">{text.message_waiting}</span>
  return <span class="tag caution">{text.message_given_up}</span>
}

type MessageProps = PartProps & { readonly webhook_id: string; readonly message: MessageView }

const Message = ({ view, text, webhook_id, message }: MessageProps) => {
  const { message_id, type, state, attempts, seen, created_at_seconds, next_attempt_at_seconds: next } = message
  return (
    <li class="item">
      <div class="item-text">
        <p>
          <code>{type}</code> <MessageState state={state} text={text} />
        </p>
        <p class="hint">
          <When seconds={created_at_seconds} clock={view.clock} />
          {attempts > 0 && ` · ${fillText(text.message_tries, { attempts: `${attempts}` })}`}
          {seen && ` · ${seen}`}
          {next !== undefined && attempts > 0 && (
            <> · {fill(text.next_try, { moment: <When seconds={next} clock={view.clock} /> })}</>
          )}
        </p>
      </div>
      <Act
        ticket={view.ticket}
        act="replay"
        label={text.replay}
        about={type}
        fields={{ id: message_id, webhook: webhook_id }}
      />
    </li>
  )
}

const Webhook = ({ webhook, view, text }: PartProps & { readonly webhook: WebhookView }) => (
  <li class="box">
    <div class="item-head">
      <code class="wrap">{webhook.url}</code>
      <Act
        ticket={view.ticket}
        act="delete_webhook"
        label={text.remove}
        about={webhook.url}
        fields={{ id: webhook.webhook_id }}
      />
    </div>
    <p class="chips">
      {webhook.events.map((event) => (
        <code class="chip">{event}</code>
      ))}
    </p>
    {webhook.messages.length === 0 ? (
      <p class="hint">{text.no_messages}</p>
    ) : (
      <ul class="items">
        {webhook.messages.map((message) => (
          <Message view={view} text={text} webhook_id={webhook.webhook_id} message={message} />
        ))}
      </ul>
    )}
  </li>
)

const Create = ({ view, text }: PartProps) => (
  <Section title={text.new_webhook}>
    <TicketForm ticket={view.ticket} class="fields">
      <Field id="url" label={text.webhook_url}>
        <input id="url" name="url" type="text" inputmode="url" autocomplete="off" maxlength={2048} required />
      </Field>
      <fieldset>
        <legend>{text.webhook_events}</legend>
        <div class="options">
          {kinds.map(([event, words]) => (
            <Choice type="checkbox" name="event" value={event} checked>
              {text[words]} <code class="chip">{event}</code>
            </Choice>
          ))}
        </div>
      </fieldset>
      <div>
        <button class="primary small" type="submit" name="act" value="create_webhook">
          {text.create_webhook}
        </button>
      </div>
    </TicketForm>
  </Section>
)

export const WebhooksPage = (view: WebhooksView) => {
  const text = view.frame.messages.dashboard
  return (
    <ServerLayout view={view} here="webhooks" secret={view.secret}>
      <p>{text.webhooks_lead}</p>
      {view.webhooks.length === 0 ? (
        <p class="empty">{text.no_webhooks}</p>
      ) : (
        <ul class="boxes">
          {view.webhooks.map((webhook) => (
            <Webhook webhook={webhook} view={view} text={text} />
          ))}
        </ul>
      )}
      <Create view={view} text={text} />
    </ServerLayout>
  )
}
