import { raw } from 'hono/html'
import type { PropsWithChildren } from 'hono/jsx'
import { type FormTicket, TicketForm } from './form.tsx'
import type { Messages } from './messages/en.ts'
import { passkeyScript } from './passkey-script.ts'

/** What the browser is asked for, and the nonce under which the script may ask. */
export type Ceremony = { readonly nonce: string; readonly options: unknown }

type CeremonyProps = PropsWithChildren<{
  readonly ticket: FormTicket
  readonly kind: 'get' | 'create'
  readonly ceremony: Ceremony
  /** Whether passkeys are also listed at the field for the address, before anybody asks (§5.1.4). */
  readonly conditional: boolean
  readonly text: Messages['passkey']
}>

/** A form that a passkey fills. Without the script it stays hidden, and the page says what works instead. */
export const CeremonyForm = ({ ticket, kind, ceremony, conditional, text, children }: CeremonyProps) => (
  <>
    <p class="hint" id="no-passkeys">
      {kind === 'get' ? text.needs_script : text.needs_script_to_make}
    </p>
    <div class="notice alert" id="passkey-problem" role="alert" hidden data-none={text.none} data-known={text.known} />
    <TicketForm ticket={ticket} ceremony={{ kind, options: ceremony.options, conditional }}>
      <input type="hidden" name="credential" value="" />
      {children}
    </TicketForm>
    <script nonce={ceremony.nonce}>{raw(passkeyScript)}</script>
  </>
)
