import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'

export type ErrorView = {
  readonly frame: Frame
  readonly title: string
  readonly whatHappened: string
  readonly whatToDo: string
  /** The sentence a developer needs, as in `error_description`: always English. */
  readonly detail?: string
  readonly reason: string
  readonly requestId: string
  readonly next?: { readonly href: string; readonly label: string }
  /** Whose help is wanted: of the makers of the program that led here, or of whoever runs this. */
  readonly helpers: 'makers' | 'operator'
}

type ReferenceProps = Pick<ErrorView, 'reason' | 'requestId' | 'helpers'> & { readonly text: Messages['error'] }

export const Reference = ({ reason, requestId, helpers, text }: ReferenceProps) => (
  <div class="reference">
    <p>{helpers === 'makers' ? text.not_yours : text.ask_for_help}</p>
    <dl>
      <div>
        <dt>{text.reference}</dt>
        <dd>
          <code>{requestId}</code>
        </dd>
      </div>
      <div>
        <dt>{text.reason}</dt>
        <dd>
          <a href={`/errors#${reason}`}>
            <code>{reason}</code>
          </a>
        </dd>
      </div>
    </dl>
  </div>
)

/** A dead end that says its cause, the way out, and what to quote when asking for help. */
export const ErrorPage = (view: ErrorView) => {
  const text = view.frame.messages.error
  return (
    <Layout title={view.title} frame={view.frame}>
      <h1>{view.title}</h1>
      <p class="lead">{view.whatHappened}</p>
      <h2>{text.what_to_do}</h2>
      <p>{view.whatToDo}</p>
      {view.next && (
        <p>
          <a class="button-link filled" href={view.next.href}>
            {view.next.label}
          </a>
        </p>
      )}
      {view.detail && (
        <>
          <h2>{text.details}</h2>
          <p class="detail" lang="en">
            {view.detail}
          </p>
        </>
      )}
      <Reference reason={view.reason} requestId={view.requestId} helpers={view.helpers} text={text} />
    </Layout>
  )
}
