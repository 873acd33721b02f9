import { type Done, Field, Section, type ServerView, Status, type Text } from './dashboard-parts.tsx'
import { fillText } from './fill.tsx'
import { type FormTicket, Name, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'

export type OfferView = {
  readonly server_id: string
  readonly server_url: string
  readonly server_name: string
  readonly from_email?: string | undefined
}

export type DashboardView = {
  readonly frame: Frame
  readonly ticket: FormTicket
  readonly servers: readonly ServerView[]
  readonly offers: readonly OfferView[]
  readonly done?: Done | undefined
}

const Server = ({ server, text }: { server: ServerView; text: Text }) => (
  <li class="item">
    <div class="item-text">
      <h2>
        <a href={`/dashboard/servers/${server.server_id}`}>
          <Name>{server.server_name}</Name>
        </a>
        <Status server={server} text={text} />
      </h2>
      <p class="item-host">{server.server_url}</p>
    </div>
  </li>
)

const Offer = ({ offer, ticket, text }: { offer: OfferView; ticket: FormTicket; text: Text }) => (
  <li class="item">
    <div class="item-text">
      <h3>
        <Name>{offer.server_name}</Name>
      </h3>
      <p class="item-host">{offer.server_url}</p>
      <p class="hint">
        {offer.from_email === undefined ? text.offer_stranger : fillText(text.offer_from, { email: offer.from_email })}
      </p>
      <TicketForm ticket={ticket}>
        <input type="hidden" name="id" value={offer.server_id} />
        <label class="choice hint">
          <input type="checkbox" name="revoke_keys" value="yes" /> <span>{text.revoke_keys}</span>
        </label>
        <div class="row">
          <Decide act="accept" label={text.accept} offer={offer} />
          <Decide act="decline" label={text.decline} offer={offer} />
        </div>
      </TicketForm>
    </div>
  </li>
)

type DecideProps = { readonly act: 'accept' | 'decline'; readonly label: string; readonly offer: OfferView }

const Decide = ({ act, label, offer }: DecideProps) => (
  <button
    class={act === 'accept' ? 'primary small' : 'quiet small'}
    type="submit"
    name="act"
    value={act}
    aria-label={`${label}: ${offer.server_name}`}
  >
    {label}
  </button>
)

const Register = ({ ticket, text }: { ticket: FormTicket; text: Text }) => (
  <Section title={text.register}>
    <TicketForm ticket={ticket} class="fields">
      <Field id="url" label={text.server_url} hint={text.server_url_hint}>
        <input
          id="url"
          name="url"
          type="text"
          inputmode="url"
          autocomplete="off"
          maxlength={2048}
          required
          aria-describedby="url-hint"
        />
      </Field>
      <Field id="name" label={text.server_name} hint={text.server_name_hint}>
        <input id="name" name="name" type="text" maxlength={100} required aria-describedby="name-hint" />
      </Field>
      <Field id="scope" label={text.first_scope} hint={text.first_scope_hint}>
        <input id="scope" name="scope" type="text" maxlength={64} required aria-describedby="scope-hint" />
      </Field>
      <div>
        <button class="primary" type="submit" name="act" value="register">
          {text.register_submit}
        </button>
      </div>
    </TicketForm>
  </Section>
)

const Servers = ({ servers, text }: { servers: readonly ServerView[]; text: Text }) =>
  servers.length === 0 ? (
    <div class="empty">
      <p>
        <b>{text.empty}</b>
      </p>
      <p class="hint">{text.empty_help}</p>
    </div>
  ) : (
    <ul class="items">
      {servers.map((server) => (
        <Server server={server} text={text} />
      ))}
    </ul>
  )

/** An owner's servers, and those that wait for a yes. */
export const DashboardPage = ({ frame, ticket, servers, offers, done }: DashboardView) => {
  const text = frame.messages.dashboard
  return (
    <Layout title={text.title} frame={frame} here="servers" wide>
      <h1>{text.title}</h1>
      <p class="lead">{text.lead}</p>
      <p class="links">
        <a href="/dashboard/tokens">{text.tokens}</a>
        <a href="/docs">{text.docs}</a>
      </p>
      {done && <Notice tone="done">{text.done[done]}</Notice>}
      {offers.length > 0 && (
        <section class="offers">
          <h2>{text.offers}</h2>
          <ul class="items">
            {offers.map((offer) => (
              <Offer offer={offer} ticket={ticket} text={text} />
            ))}
          </ul>
        </section>
      )}
      <Servers servers={servers} text={text} />
      <Register ticket={ticket} text={text} />
    </Layout>
  )
}
