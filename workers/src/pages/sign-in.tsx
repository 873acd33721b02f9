import { fill } from './fill.tsx'
import { type FormTicket, Host, Name, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'
import { type Ceremony, CeremonyForm } from './passkey.tsx'

/** What the person signs in for: a program's request (without a server only identity is asked for), or a page of ours. */
export type Purpose =
  | {
      readonly kind: 'program'
      readonly clientName: string
      readonly clientVerified: boolean
      readonly serverHost: string | null
    }
  | { readonly kind: 'page' }
  /** Signed in already, but not freshly enough for what comes. */
  | { readonly kind: 'confirm' }
  /** To change the passkeys of an account that has some: with one of them. */
  | { readonly kind: 'passkeys' }

/** How passkeys are offered: beside the code, before it where this browser has used one, or alone where nothing else is enough. */
export type PasskeyOffer = {
  readonly ticket: FormTicket
  readonly ceremony: Ceremony
  readonly place: 'after' | 'before' | 'alone'
  /** Not once an answer was refused: a device that answers by itself would go round in circles. */
  readonly asksByItself: boolean
}

export type SignInView = {
  readonly frame: Frame
  readonly ticket: FormTicket
  readonly purpose: Purpose
  readonly email: string
  readonly problem: string | null
  readonly passkey: PasskeyOffer | undefined
  /** Other places that can vouch for a person, in their order. */
  readonly providers: readonly { readonly name: string; readonly href: string }[]
}

type Text = Messages['sign_in']

const pagePurposes = { page: 'purpose_page', confirm: 'purpose_confirm', passkeys: 'purpose_passkeys' } as const

const PurposeLine = ({ purpose, text }: { purpose: Purpose; text: Text }) => {
  if (purpose.kind !== 'program') return <p class="lead">{text[pagePurposes[purpose.kind]]}</p>
  const client = (
    <>
      <Name>{purpose.clientName}</Name>
      {!purpose.clientVerified && <> ({text.name_not_verified})</>}
    </>
  )
  if (purpose.serverHost === null) return <p class="lead">{fill(text.purpose_identity, { client })}</p>
  return <p class="lead">{fill(text.purpose, { client, server: <Host>{purpose.serverHost}</Host> })}</p>
}

const EmailForm = ({ frame, ticket, email, problem, passkey }: SignInView) => {
  const text = frame.messages.sign_in
  return (
    <TicketForm ticket={ticket}>
      <label for="email">{text.email}</label>
      <input
        id="email"
        name="email"
        type="email"
        value={email}
        required
        maxlength={254}
        // The browser lists passkeys where it would list addresses (WebAuthn Level 3 §5.1.4, conditional mediation).
        autocomplete={passkey === undefined ? 'username' : 'username webauthn'}
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={problem ? 'problem email-hint' : 'email-hint'}
        aria-invalid={problem ? 'true' : undefined}
      />
      <p class="hint" id="email-hint">
        {text.email_hint}
      </p>
      <button class={passkey?.place === 'before' ? 'quiet full' : 'primary full'} type="submit">
        {text.submit}
      </button>
    </TicketForm>
  )
}

const PasskeyForm = ({ passkey, text }: { passkey: PasskeyOffer; text: Messages['passkey'] }) => (
  <CeremonyForm
    ticket={passkey.ticket}
    kind="get"
    ceremony={passkey.ceremony}
    conditional={passkey.asksByItself}
    text={text}
  >
    {passkey.place === 'after' && <p>{text.offer}</p>}
    <button class={passkey.place === 'after' ? 'quiet full' : 'primary full'} type="submit">
      {text.submit}
    </button>
  </CeremonyForm>
)

/** A server insists on a passkey (THREATS B33): whoever has none makes one on another page, with a code by e-mail. */
const OnlyPasskey = ({ text }: { text: Messages['passkey'] }) => (
  <section class="aside" aria-label={text.required_make}>
    <p>{text.required_none}</p>
    <a class="button-link" href="/account/passkeys/add" target="_blank" rel="noopener">
      {text.required_make}
    </a>
  </section>
)

/** Whoever has lost them signs in with a code, which is enough for asking. */
const LostPasskeys = ({ text }: { text: Messages['passkey'] }) => (
  <section class="aside" aria-label={text.lost}>
    <p>{text.lost_text}</p>
    <a class="button-link" href="/account/passkeys#lost">
      {text.lost}
    </a>
  </section>
)

const Ways = (view: SignInView) => {
  const { passkey, frame, purpose } = view
  const text = frame.messages.passkey
  switch (passkey?.place) {
    case undefined:
      return <EmailForm {...view} />
    case 'after':
      return (
        <>
          <EmailForm {...view} />
          <section class="aside" aria-label={text.submit}>
            <PasskeyForm passkey={passkey} text={text} />
          </section>
        </>
      )
    case 'before':
      return (
        <>
          <PasskeyForm passkey={passkey} text={text} />
          <section class="aside" aria-label={text.or_email}>
            <h2>{text.or_email}</h2>
            <EmailForm {...view} />
          </section>
        </>
      )
    case 'alone':
      return (
        <>
          <PasskeyForm passkey={passkey} text={text} />
          {purpose.kind === 'passkeys' ? <LostPasskeys text={text} /> : <OnlyPasskey text={text} />}
        </>
      )
  }
}

/** Links, because a form would have to be allowed to end at each provider, and at wherever it goes on to (SECURITY §13). */
const Elsewhere = ({ providers, text }: { providers: SignInView['providers']; text: Messages['provider'] }) => (
  <section class="aside" aria-label={text.heading}>
    <h2>{text.heading}</h2>
    <div class="choices">
      {providers.map(({ name, href }) => (
        <a class="button-link outlined full" href={href}>
          {fill(text.submit, { provider: name })}
        </a>
      ))}
    </div>
  </section>
)

export const SignInPage = (view: SignInView) => {
  const { frame, purpose, problem, passkey } = view
  const text = frame.messages.sign_in
  const server = purpose.kind === 'program' && purpose.serverHost !== null ? <Host>{purpose.serverHost}</Host> : null
  const isConfirming = purpose.kind === 'confirm' || purpose.kind === 'passkeys'
  return (
    <Layout title={text.title} frame={frame}>
      <h1>{isConfirming ? text.heading_confirm : text.heading}</h1>
      <PurposeLine purpose={purpose} text={text} />
      {passkey?.place === 'alone' && server && (
        <Notice tone="plain">{fill(frame.messages.passkey.required, { server })}</Notice>
      )}
      {problem && (
        <Notice tone="alert" id="problem">
          {problem}
        </Notice>
      )}
      <Ways {...view} />
      {view.providers.length > 0 && <Elsewhere providers={view.providers} text={frame.messages.provider} />}
    </Layout>
  )
}
