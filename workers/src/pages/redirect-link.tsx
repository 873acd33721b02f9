import { Reference } from './error.tsx'
import { fill } from './fill.tsx'
import { Host } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'

export type RedirectFailure = {
  readonly title: string
  readonly whatHappened: string
  readonly whatToDo: string
  /** The developer's sentence, in English, where it says more. */
  readonly detail: string | null
}

export type RedirectLinkView = {
  readonly frame: Frame
  /** What failed, or null when the person said no. */
  readonly failure: RedirectFailure | null
  readonly href: string
  readonly host: string
  readonly reason: string
  readonly requestId: string
}

const Failure = ({ failure, text }: { failure: RedirectFailure; text: Messages['error'] }) => (
  <>
    {failure.detail && (
      <p class="detail" lang="en">
        {failure.detail}
      </p>
    )}
    <h2>{text.what_to_do}</h2>
    <p>{failure.whatToDo}</p>
  </>
)

/** Instead of a redirect that a stranger could have provoked: the person sees where the link leads, and decides. */
export const RedirectLinkPage = (view: RedirectLinkView) => {
  const text = view.frame.messages.redirect_link
  const heading = view.failure?.title ?? text.denied_heading
  return (
    <Layout title={heading} frame={view.frame}>
      <h1>{heading}</h1>
      <p class="lead">{view.failure?.whatHappened ?? text.denied}</p>
      {view.failure && <Failure failure={view.failure} text={view.frame.messages.error} />}
      <p class="hint">{text.leave}</p>
      <p>
        <a class="button-link filled" href={view.href} rel="noopener noreferrer">
          {fill(text.go, { host: <Host>{view.host}</Host> })}
        </a>
      </p>
      <Reference reason={view.reason} requestId={view.requestId} helpers="makers" text={view.frame.messages.error} />
    </Layout>
  )
}
