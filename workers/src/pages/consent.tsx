import { ConsentDecision } from './consent-decision.tsx'
import { ConsentParties, type Parties } from './consent-parties.tsx'
import { ConsentScopes, type ScopeView } from './consent-scopes.tsx'
import { fill } from './fill.tsx'
import { type Domains, type FormTicket, Host, Name, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'

export type EmailGoesTo = 'server' | 'program' | 'both' | 'nobody'

export type ConsentView = {
  readonly frame: Frame
  readonly ticket: FormTicket
  readonly switchAccount: FormTicket
  readonly parties: Parties
  /** What was registered of the hosts among them. */
  readonly domains: Domains
  readonly scopes: readonly ScopeView[]
  readonly emailGoesTo: EmailGoesTo
  readonly sharesProfile: boolean
  readonly accessDays: number
  readonly stepUp: boolean
  readonly problem: string | null
}

type Text = Messages['consent']

const emailSentence = (view: ConsentView, text: Text) => {
  const values = {
    email: <b class="wrap">{view.parties.email}</b>,
    host: <Host>{view.parties.server?.host ?? view.frame.issuerHost}</Host>,
  }
  if (view.emailGoesTo === 'server') return fill(text.identity_email_server, values)
  if (view.emailGoesTo === 'program') return fill(text.identity_email_program, values)
  if (view.emailGoesTo === 'both') return fill(text.identity_email_both, values)
  return text.identity_no_email
}

const IdentityShared = ({ view, text }: { view: ConsentView; text: Text }) => (
  <section aria-labelledby="identity-heading">
    <h2 id="identity-heading">{text.identity}</h2>
    <ul class="plain-list">
      <li>{emailSentence(view, text)}</li>
      {view.sharesProfile && <li>{text.identity_profile}</li>}
      <li>{text.identity_subject}</li>
    </ul>
  </section>
)

const Lifetime = ({ days, text }: { days: number; text: Text }) => (
  <section aria-labelledby="lifetime-heading">
    <h2 id="lifetime-heading">{text.lifetime}</h2>
    <p>{days === 1 ? text.lifetime_day : fill(text.lifetime_days, { days: String(days) })}</p>
  </section>
)

/** A long name would push the hosts below the fold: then the heading speaks of "this program", and the list names it. */
const headingName = (name: string, otherwise: string) => (name.length > 28 ? otherwise : <Name>{name}</Name>)

const Heading = ({ parties, text }: { parties: Parties; text: Text }) => {
  const client = headingName(parties.client.name, text.this_program)
  if (parties.server === null) return <h1>{fill(text.heading_identity, { client })}</h1>
  return <h1>{fill(text.heading_server, { client, server: headingName(parties.server.name, text.this_server) })}</h1>
}

/** Hosts come first and the buttons stay at the lower edge, so that no name or list pushes them out of sight. */
export const ConsentPage = (view: ConsentView) => {
  const text = view.frame.messages.consent
  return (
    <Layout title={text.title} frame={view.frame}>
      <Heading parties={view.parties} text={text} />
      {view.problem && <Notice tone="alert">{view.problem}</Notice>}
      <ConsentParties
        parties={view.parties}
        domains={view.domains}
        frame={view.frame}
        switchAccount={view.switchAccount}
      />
      {view.stepUp && (
        <Notice tone="plain">
          <h2>{text.step_up_heading}</h2>
          <p>{text.step_up}</p>
        </Notice>
      )}
      <TicketForm ticket={view.ticket} class="decision">
        {/* Enter in a tick box presses the form's first button. This one decides nothing: the page comes again. */}
        <button type="submit" name="decision" value="none" hidden />
        {view.scopes.length > 0 && <ConsentScopes scopes={view.scopes} text={text} />}
        <IdentityShared view={view} text={text} />
        <Lifetime days={view.accessDays} text={text} />
        <ConsentDecision text={text} />
      </TicketForm>
    </Layout>
  )
}
