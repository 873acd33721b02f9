import { type ClientProof, Proof } from './client-proof.tsx'
import { fill } from './fill.tsx'
import { type Domains, type FormTicket, Host, Name, TicketForm } from './form.tsx'
import type { Frame } from './layout.tsx'
import type { Messages } from './messages/en.ts'

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

type Text = Messages['consent']

type ReturnsProps = { readonly redirect: RedirectTarget; readonly domains: Domains; readonly text: Text }

const Returns = ({ redirect, domains, text }: ReturnsProps) => {
  if (redirect.kind === 'https') return <Host domains={domains}>{redirect.host}</Host>
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

type ServerProps = { readonly server: NonNullable<Parties['server']>; readonly domains: Domains; readonly text: Text }

const ServerRow = ({ server, domains, text }: ServerProps) => (
  <div class="party">
    <dt>{text.server}</dt>
    <dd>
      <Name>{server.name}</Name>
      <Host domains={domains}>{server.host}</Host>
      {server.description && (
        <span class="hint" dir="auto">
          {server.description}
        </span>
      )}
    </dd>
  </div>
)

type Props = {
  readonly parties: Parties
  readonly domains: Domains
  readonly frame: Frame
  readonly switchAccount: FormTicket
}

/** Who asks, where the answer goes, what it is for, and who allows it. */
export const ConsentParties = ({ parties, domains, frame, switchAccount }: Props) => {
  const text = frame.messages.consent
  return (
    <dl class="parties" aria-label={text.parties}>
      <div class="party">
        <dt>{text.program}</dt>
        <dd>
          <Name>{parties.client.name}</Name>
          <span>
            <Proof proof={parties.client.proof} frame={frame} domains={domains} />
          </span>
        </dd>
      </div>
      <div class="party">
        <dt>{text.returns_to}</dt>
        <dd>
          <Returns redirect={parties.redirect} domains={domains} text={text} />
        </dd>
      </div>
      {parties.server && <ServerRow server={parties.server} domains={domains} text={text} />}
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
}
