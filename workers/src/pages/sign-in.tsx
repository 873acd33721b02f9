import { fill } from './fill.tsx'
import { type FormTicket, Host, Name, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import { messages } from './messages.ts'

/** What the person signs in for; null when there is no registered server and only identity is asked for. */
export type Purpose = {
  readonly clientName: string
  readonly clientVerified: boolean
  readonly serverHost: string | null
}

export type SignInView = {
  readonly frame: Frame
  readonly ticket: FormTicket
  readonly purpose: Purpose
  readonly email: string
  readonly problem: string | null
}

const text = messages.sign_in

export const PurposeLine = ({ purpose }: { purpose: Purpose }) => {
  const client = (
    <>
      <Name>{purpose.clientName}</Name>
      {!purpose.clientVerified && <> ({text.name_not_verified})</>}
    </>
  )
  if (purpose.serverHost === null) return <p class="lead">{fill(text.purpose_identity, { client })}</p>
  return <p class="lead">{fill(text.purpose, { client, server: <Host>{purpose.serverHost}</Host> })}</p>
}

export const SignInPage = ({ frame, ticket, purpose, email, problem }: SignInView) => (
  <Layout title={text.title} frame={frame}>
    <h1>{text.heading}</h1>
    <PurposeLine purpose={purpose} />
    {problem && (
      <Notice tone="alert" id="problem">
        {problem}
      </Notice>
    )}
    <TicketForm ticket={ticket}>
      <label for="email">{text.email}</label>
      <input
        id="email"
        name="email"
        type="email"
        value={email}
        required
        maxlength={254}
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={problem ? 'problem email-hint' : 'email-hint'}
        aria-invalid={problem ? 'true' : undefined}
      />
      <p class="hint" id="email-hint">
        {text.email_hint}
      </p>
      <button class="primary full" type="submit">
        {text.submit}
      </button>
    </TicketForm>
  </Layout>
)
