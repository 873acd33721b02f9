import { Reference } from './error.tsx'
import { fill } from './fill.tsx'
import { Host } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import { messages } from './messages.ts'

export type RedirectLinkView = {
  readonly frame: Frame
  /** What failed, or null when the person said no. */
  readonly failure: { readonly title: string; readonly whatHappened: string } | null
  readonly href: string
  readonly host: string
  readonly reason: string
  readonly requestId: string
}

const text = messages.redirect_link

/** Instead of a redirect that a stranger could have provoked: the person sees where the link leads, and decides. */
export const RedirectLinkPage = (view: RedirectLinkView) => {
  const heading = view.failure?.title ?? text.denied_heading
  return (
    <Layout title={heading} frame={view.frame}>
      <h1>{heading}</h1>
      <p class="lead">{view.failure?.whatHappened ?? text.denied}</p>
      <p class="hint">{text.leave}</p>
      <p>
        <a class="button-link filled" href={view.href} rel="noopener noreferrer">
          {fill(text.go, { host: <Host>{view.host}</Host> })}
        </a>
      </p>
      <Reference reason={view.reason} requestId={view.requestId} />
    </Layout>
  )
}
