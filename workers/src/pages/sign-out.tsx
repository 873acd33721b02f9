import { fill } from './fill.tsx'
import { type FormTicket, Host, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'

export const SignOutPage = ({ frame, ticket }: { frame: Frame; ticket: FormTicket }) => {
  const text = frame.messages.sign_out
  return (
    <Layout title={text.title} frame={frame}>
      <h1>{text.heading}</h1>
      <p class="lead">{fill(text.text, { host: <Host>{frame.issuerHost}</Host> })}</p>
      <TicketForm ticket={ticket}>
        <button class="primary full" type="submit">
          {text.submit}
        </button>
        <div class="aside">
          <p class="hint" id="everywhere-text">
            {text.everywhere_text}
          </p>
          <button class="quiet full" type="submit" name="everywhere" value="yes" aria-describedby="everywhere-text">
            {text.everywhere}
          </button>
        </div>
      </TicketForm>
    </Layout>
  )
}
