import { type Frame, Layout } from './layout.tsx'

export type ReasonView = {
  readonly reason: string
  readonly error: string
  readonly status: number
  readonly title: string
  readonly whatHappened: string
  readonly whatToDo: string
}

export type ErrorReferenceView = {
  readonly frame: Frame
  readonly reasons: readonly ReasonView[]
  /** Of the request that led here; null when the page is read for its own sake. */
  readonly requestId: string | null
}

const Entry = ({ reason, error, status, title, whatHappened, whatToDo }: ReasonView) => (
  <div id={reason} class="explained">
    <h2>{title}</h2>
    <p>
      <code>{reason}</code> · <code>{error}</code> · {status}
    </p>
    <p>{whatHappened}.</p>
    <p>{whatToDo}</p>
  </div>
)

/** What every `error_uri` points to: each reason with its cause and its way out, in the words of error_description. */
export const ErrorReferencePage = ({ frame, reasons, requestId }: ErrorReferenceView) => {
  const text = frame.messages.error_reference
  return (
    <Layout title={text.title} frame={frame} wide>
      <h1>{text.heading}</h1>
      <p class="lead">{text.lead}</p>
      {requestId && (
        <p class="notice plain pinned">
          {text.reference} <code>{requestId}</code>
        </p>
      )}
      <div lang="en">
        {reasons.map((reason) => (
          <Entry {...reason} />
        ))}
      </div>
    </Layout>
  )
}
