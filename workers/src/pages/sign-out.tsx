import { fill } from './fill.tsx'
import { type FormTicket, Host, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import { messages } from './messages.ts'

const text = messages.sign_out

export const SignOutPage = ({ frame, ticket }: { frame: Frame; ticket: FormTicket }) => (
  <Layout title={text.title} frame={frame}>
    <h1>{text.heading}</h1>
    <p class="lead">{fill(text.text, { host: <Host>{frame.issuerHost}</Host> })}</p>
    <TicketForm ticket={ticket}>
      <button class="primary full" type="submit">
        {text.submit}
      </button>
    </TicketForm>
  </Layout>
)
