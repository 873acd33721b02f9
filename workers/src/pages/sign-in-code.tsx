import { fill } from './fill.tsx'
import { type FormTicket, Host, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'

export type SignInCodeView = {
  readonly frame: Frame
  readonly ticket: FormTicket
  /** Asks for a new code: the same form as the first page, with the address typed there. */
  readonly again: FormTicket
  /** What was typed on the first page; null when no challenge is kept, which says nothing about the address. */
  readonly email: string | null
  readonly minutes: number
  /** Who is linked by this code; null where nobody is. */
  readonly linking: string | null
  readonly problem: string | null
  /** False once the code is dead: then only a new one helps. */
  readonly usable: boolean
  readonly otherAddress: string
}

type Text = Messages['code']

type CodeFormProps = Pick<SignInCodeView, 'ticket' | 'problem' | 'frame'> & { readonly text: Text }

const CodeForm = ({ ticket, problem, frame, text }: CodeFormProps) => (
  <TicketForm ticket={ticket}>
    <label for="code">{text.label}</label>
    <input
      id="code"
      name="code"
      class="code"
      type="text"
      inputmode="numeric"
      autocomplete="one-time-code"
      required
      maxlength={16}
      spellcheck={false}
      aria-describedby={problem ? 'problem code-hint' : 'code-hint'}
      aria-invalid={problem ? 'true' : undefined}
    />
    <p class="hint" id="code-hint">
      {fill(text.warning, { host: <Host>{frame.issuerHost}</Host> })}
    </p>
    <button class="primary full" type="submit">
      {text.submit}
    </button>
  </TicketForm>
)

const Sent = ({ email, minutes, text }: { email: string | null; minutes: string; text: Text }) => (
  <p class="lead">
    {email === null
      ? fill(text.sent_unnamed, { minutes })
      : fill(text.sent, { email: <b class="wrap">{email}</b>, minutes })}
  </p>
)

type AgainProps = Pick<SignInCodeView, 'again' | 'usable'> & { readonly email: string; readonly text: Text }

const Again = ({ again, email, usable, text }: AgainProps) => (
  <TicketForm ticket={again}>
    <input type="hidden" name="email" value={email} />
    <button class={usable ? 'quiet' : 'primary'} type="submit">
      {text.again}
    </button>
  </TicketForm>
)

export const SignInCodePage = (view: SignInCodeView) => {
  const text = view.frame.messages.code
  return (
    <Layout title={text.title} frame={view.frame}>
      <h1>{view.usable ? text.heading : text.dead_heading}</h1>
      {view.usable && <Sent email={view.email} minutes={view.minutes.toString()} text={text} />}
      {view.usable && view.linking && view.email && (
        <p>
          {fill(view.frame.messages.provider.linking, {
            provider: view.linking,
            email: <b class="wrap">{view.email}</b>,
          })}
        </p>
      )}
      {view.problem && (
        <Notice tone="alert" id="problem">
          {view.problem}
        </Notice>
      )}
      {view.usable && <CodeForm ticket={view.ticket} problem={view.problem} frame={view.frame} text={text} />}
      <section class={view.usable ? 'aside' : undefined} aria-label={text.again}>
        {view.usable && (
          <p>
            <b>{text.no_mail}</b> {text.no_mail_help}
          </p>
        )}
        <div class="row">
          {view.email !== null && <Again again={view.again} email={view.email} usable={view.usable} text={text} />}
          <a class="button-link" href={view.otherAddress}>
            {text.other_address}
          </a>
        </div>
      </section>
    </Layout>
  )
}
