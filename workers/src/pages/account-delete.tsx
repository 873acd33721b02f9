import { fill } from './fill.tsx'
import { type FormTicket, Notice, TicketForm } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'

export type DeleteView = {
  readonly frame: Frame
  readonly ticket: FormTicket
  readonly email: string
  readonly problem: string | undefined
}

/** Says what goes and what stays before anything goes; shown only after a fresh sign-in (THREATS J22). */
export const DeletePage = ({ frame, ticket, email, problem }: DeleteView) => {
  const text = frame.messages.delete
  return (
    <Layout title={text.title} frame={frame} here="data" wide>
      <h1>{text.heading}</h1>
      <p class="lead">{fill(text.lead, { email: <b class="wrap">{email}</b> })}</p>
      <ul class="bullets">
        <li>{text.connections}</li>
        <li>{text.sessions}</li>
        <li>{text.servers}</li>
      </ul>
      <p class="hint">{text.stays}</p>
      {problem && (
        <Notice tone="alert" id="problem">
          {problem}
        </Notice>
      )}
      <TicketForm ticket={ticket}>
        <p class="scope">
          <input
            type="checkbox"
            id="confirm"
            name="confirm"
            value="yes"
            required
            aria-describedby={problem ? 'problem' : undefined}
          />
          <label for="confirm">{text.confirm}</label>
        </p>
        <div class="row">
          <button class="danger" type="submit">
            {text.submit}
          </button>
          <a class="button-link" href="/account">
            {text.keep}
          </a>
        </div>
      </TicketForm>
    </Layout>
  )
}

export const DeletedPage = ({ frame }: { frame: Frame }) => {
  const text = frame.messages.delete
  return (
    <Layout title={text.done_title} frame={frame}>
      <h1>{text.done_heading}</h1>
      <p class="lead">{text.done_text}</p>
    </Layout>
  )
}
