import type { Child, PropsWithChildren } from 'hono/jsx'

/** Everything a form may carry besides what the person typed or ticked: the rest stays in the transaction's row. */
export type FormTicket = { readonly action: string; readonly transaction?: string; readonly csrf: string }

export const TicketForm = ({
  ticket,
  children,
  class: name,
}: PropsWithChildren<{ ticket: FormTicket; class?: string }>) => (
  <form method="post" action={ticket.action} class={name}>
    {ticket.transaction && <input type="hidden" name="transaction" value={ticket.transaction} />}
    <input type="hidden" name="csrf" value={ticket.csrf} />
    {children}
  </form>
)

/** A sentence that must be noticed: `alert` is read out at once, `note` in its turn. */
export const Notice = ({
  tone,
  id,
  children,
}: PropsWithChildren<{ tone: 'alert' | 'caution' | 'plain'; id?: string }>) => (
  <div class={`notice ${tone}`} id={id} role={tone === 'alert' ? 'alert' : undefined}>
    {children}
  </div>
)

/** A name a stranger chose: isolated, so that its letters cannot reorder ours, and wrapped, never cut. */
export const Name = ({ children }: PropsWithChildren) => <bdi class="name">{children}</bdi>

/** A host as its A-label; whole, because a cut one is how look-alikes work. */
export const Host = ({ children }: { children: Child }) => (
  <b class="host" dir="ltr">
    {children}
  </b>
)
