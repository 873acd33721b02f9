import { type Frame, Layout } from './layout.tsx'
import { messages } from './messages.ts'

export type ReasonView = {
  readonly reason: string
  readonly error: string
  readonly status: number
  readonly title: string
  readonly whatHappened: string
  readonly whatToDo: string
}

export type ErrorReferenceView = { readonly frame: Frame; readonly reasons: readonly ReasonView[] }

const text = messages.error_reference

const Entry = ({ reason, error, status, title, whatHappened, whatToDo }: ReasonView) => (
  <div id={reason}>
    <h2>{title}</h2>
    <p>
      <code>{reason}</code> · <code>{error}</code> · {status}
    </p>
    <p>{whatHappened}.</p>
    <p>{whatToDo}</p>
  </div>
)

/** What every `error_uri` points to: each reason with its cause and its way out. */
export const ErrorReferencePage = ({ frame, reasons }: ErrorReferenceView) => (
  <Layout title={text.title} frame={frame} wide>
    <h1>{text.heading}</h1>
    <p class="lead">{text.lead}</p>
    {reasons.map((reason) => (
      <Entry {...reason} />
    ))}
  </Layout>
)
