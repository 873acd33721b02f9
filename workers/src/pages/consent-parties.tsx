import { fill } from './fill.tsx'
import { type FormTicket, Host, Name, TicketForm } from './form.tsx'
import type { Frame } from './layout.tsx'
import { messages } from './messages.ts'

export type ClientProof =
  | { readonly kind: 'published'; readonly host: string }
  | { readonly kind: 'registered' }
  | { readonly kind: 'unverified' }

export type RedirectTarget =
  | { readonly kind: 'https'; readonly host: string }
  | { readonly kind: 'loopback'; readonly host: string }
  | { readonly kind: 'private_use'; readonly scheme: string }

export type Parties = {
  readonly client: { readonly name: string; readonly proof: ClientProof }
  readonly redirect: RedirectTarget
  readonly server: { readonly name: string; readonly host: string; readonly description: string | null } | null
  readonly email: string
}

const text = messages.consent

const Proof = ({ proof, frame }: { proof: ClientProof; frame: Frame }) => {
  if (proof.kind === 'published') {
    return <span class="proof good">{fill(text.published_by, { host: <Host>{proof.host}</Host> })}</span>
  }
  if (proof.kind === 'registered') {
    return <span class="proof good">{fill(text.registered, { host: <Host>{frame.issuerHost}</Host> })}</span>
  }
  return (
    <>
      <span class="tag caution">{text.name_not_verified}</span> <span class="hint">{text.name_not_verified_help}</span>
    </>
  )
}

const Returns = ({ redirect }: { redirect: RedirectTarget }) => {
  if (redirect.kind === 'https') return <Host>{redirect.host}</Host>
  const isLoopback = redirect.kind === 'loopback'
  return (
    <>
      <Host>{isLoopback ? redirect.host : `${redirect.scheme}:`}</Host>
      <span class="caution-text">
        {isLoopback ? text.loopback : fill(text.private_use, { scheme: redirect.scheme })}
      </span>
    </>
  )
}

const ServerRow = ({ server }: { server: NonNullable<Parties['server']> }) => (
  <div class="party">
    <dt>{text.server}</dt>
    <dd>
      <Name>{server.name}</Name>
      <Host>{server.host}</Host>
      {server.description && (
        <span class="hint" dir="auto">
          {server.description}
        </span>
      )}
    </dd>
  </div>
)

type Props = { readonly parties: Parties; readonly frame: Frame; readonly switchAccount: FormTicket }

/** Who asks, where the answer goes, what it is for, and who allows it. */
export const ConsentParties = ({ parties, frame, switchAccount }: Props) => (
  <dl class="parties" aria-label={text.parties}>
    <div class="party">
      <dt>{text.program}</dt>
      <dd>
        <Name>{parties.client.name}</Name>
        <span class="proof-line">
          <Proof proof={parties.client.proof} frame={frame} />
        </span>
      </dd>
    </div>
    <div class="party">
      <dt>{text.returns_to}</dt>
      <dd>
        <Returns redirect={parties.redirect} />
      </dd>
    </div>
    {parties.server && <ServerRow server={parties.server} />}
    <div class="party">
      <dt>{text.account}</dt>
      <dd class="account">
        <b class="wrap">{parties.email}</b>
        <TicketForm ticket={switchAccount}>
          <button class="text-button" type="submit">
            {text.switch_account}
          </button>
        </TicketForm>
      </dd>
    </div>
  </dl>
)
