import type { PropsWithChildren } from 'hono/jsx'

/** Everything a form may carry besides what the person typed or ticked: the rest stays in the transaction's row. */
export type FormTicket = {
  readonly action: string
  readonly transaction?: string
  readonly csrf: string
  /** Of this showing of the page, so that what makes a secret and is sent twice makes one. */
  readonly once?: string
}

type TicketFormProps = PropsWithChildren<{
  ticket: FormTicket
  class?: string
  /** For a form that a passkey fills: hidden until the script has found out that the browser can. */
  ceremony?: { readonly kind: 'get' | 'create'; readonly options: unknown; readonly conditional: boolean }
}>

export const TicketForm = ({ ticket, children, class: name, ceremony }: TicketFormProps) => (
  <form
    method="post"
    action={ticket.action}
    class={name}
    hidden={ceremony !== undefined}
    data-passkey={ceremony?.kind}
    data-options={ceremony && JSON.stringify(ceremony.options)}
    data-conditional={ceremony?.conditional ? 'yes' : undefined}
  >
    {ticket.transaction && <input type="hidden" name="transaction" value={ticket.transaction} />}
    <input type="hidden" name="csrf" value={ticket.csrf} />
    {ticket.once && <input type="hidden" name="once" value={ticket.once} />}
    {children}
  </form>
)

/** A sentence that must be noticed: `alert` is read out at once, `done` when there is quiet, `plain` in its turn. */
const roles = { alert: 'alert', done: 'status', plain: undefined } as const

export const Notice = ({ tone, id, children }: PropsWithChildren<{ tone: keyof typeof roles; id?: string }>) => (
  <div class={`notice ${tone}`} id={id} role={roles[tone]}>
    {children}
  </div>
)

/** A name a stranger chose: isolated, so that its letters cannot reorder ours, and wrapped, never cut. */
export const Name = ({ children }: PropsWithChildren) => <bdi class="name">{children}</bdi>

/** What somebody registered of each host, where that is known (THREATS B22). */
export type Domains = Readonly<Record<string, string>>

const noDomains: Domains = {}

/**
 * A host as its A-label; whole, because a cut one is how look-alikes work. Where it is known what was registered of it, that
 * part stands out, and what its owner put before it stands back.
 */
export const Host = ({ domains = noDomains, children }: { domains?: Domains; children: string }) => {
  const start = children.lastIndexOf(domains[children] ?? children)
  return (
    <b class="host" dir="ltr">
      {start > 0 && <span class="host-rest">{children.slice(0, start)}</span>}
      {children.slice(start)}
    </b>
  )
}
