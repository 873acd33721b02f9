import { Act, Field, Section, type ServerFrame, ServerLayout, type Text } from './dashboard-parts.tsx'
import { type CheckView, Proof, type ProofView } from './dashboard-proof.tsx'
import { Scopes } from './dashboard-scopes.tsx'
import { fillText } from './fill.tsx'
import { TicketForm } from './form.tsx'

export type OverviewView = ServerFrame & { readonly proof: ProofView; readonly checks: readonly CheckView[] }

/** How the server stands, and everything about it that can be changed. */
export const OverviewPage = (view: OverviewView) => {
  const text = view.frame.messages.dashboard
  return (
    <ServerLayout view={view} here="overview">
      <Proof view={view} proof={view.proof} checks={view.checks} />
      <Settings view={view} text={text} />
      <Scopes scopes={view.server.scopes} ticket={view.ticket} text={text} />
      <HandOver view={view} text={text} />
      <details class="aside">
        <summary>{text.delete_summary}</summary>
        <p>{text.delete_text}</p>
        <Act ticket={view.ticket} act="delete" label={text.delete_submit} tone="danger" />
      </details>
    </ServerLayout>
  )
}

type PartProps = { readonly view: OverviewView; readonly text: Text }

const Settings = ({ view, text }: PartProps) => (
  <Section title={text.settings}>
    <TicketForm ticket={view.ticket} class="fields">
      <Words view={view} text={text} />
      <Field id="lifetime" label={text.token_lifetime} hint={text.token_lifetime_hint}>
        <input
          id="lifetime"
          class="short"
          name="token_lifetime_seconds"
          type="number"
          min="300"
          max="3600"
          value={view.server.token_lifetime_seconds?.toString() ?? ''}
          aria-describedby="lifetime-hint"
        />
      </Field>
      <label class="choice">
        <input type="checkbox" name="share_email" value="yes" checked={view.server.share_email} />{' '}
        <span>{text.share_email}</span>
      </label>
      <AskedSignIn view={view} text={text} />
      <div>
        <button class="primary small" type="submit" name="act" value="settings">
          {text.save}
        </button>
      </div>
    </TicketForm>
  </Section>
)

/** What a sign-in before consent has to be (THREATS B33). */
const AskedSignIn = ({ view: { server }, text }: PartProps) => (
  <>
    <label class="choice">
      <input type="checkbox" name="requires_passkey" value="yes" checked={server.requires_passkey} />{' '}
      <span>{text.requires_passkey}</span>
    </label>
    <Field id="sign_in_max_age" label={text.sign_in_max_age} hint={text.sign_in_max_age_hint}>
      <input
        id="sign_in_max_age"
        class="short"
        name="sign_in_max_age_minutes"
        type="number"
        min="1"
        max="10080"
        value={
          server.sign_in_max_age_seconds === undefined ? '' : Math.ceil(server.sign_in_max_age_seconds / 60).toString()
        }
        aria-describedby="sign_in_max_age-hint"
      />
    </Field>
  </>
)

/** What people read of the server. */
const Words = ({ view: { server }, text }: PartProps) => (
  <>
    <Field id="server_name" label={text.server_name} hint={text.server_name_hint}>
      <input
        id="server_name"
        name="server_name"
        type="text"
        maxlength={100}
        required
        value={server.server_name}
        aria-describedby="server_name-hint"
      />
    </Field>
    <Field id="description" label={text.description} hint={text.description_hint}>
      <input
        id="description"
        name="description"
        type="text"
        maxlength={300}
        value={server.description ?? ''}
        aria-describedby="description-hint"
      />
    </Field>
    <Field id="logo_url" label={text.logo_url} hint={text.logo_url_hint}>
      <input
        id="logo_url"
        name="logo_url"
        type="text"
        inputmode="url"
        autocomplete="off"
        maxlength={2048}
        value={server.logo_url ?? ''}
        aria-describedby="logo_url-hint"
      />
    </Field>
  </>
)

const HandOver = ({ view, text }: PartProps) => {
  const { server, ticket } = view
  return (
    <Section title={text.hand_over}>
      <p>{text.hand_over_text}</p>
      {server.offered_to && (
        <div class="row">
          <span class="wrap">{fillText(text.offered, { to: server.offered_to })}</span>
          <Act ticket={ticket} act="withdraw" label={text.withdraw} />
        </div>
      )}
      <TicketForm ticket={ticket} class="fields">
        <Field id="email" label={text.email}>
          <input id="email" name="email" type="email" maxlength={254} required autocomplete="off" />
        </Field>
        <div>
          <button class="quiet small" type="submit" name="act" value="offer">
            {text.offer}
          </button>
        </div>
      </TicketForm>
    </Section>
  )
}
