import { Reference } from './error.tsx'
import { fill } from './fill.tsx'
import { Host } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import { messages } from './messages.ts'

export type RedirectLinkView = {
  readonly frame: Frame
  readonly kind: 'failed' | 'denied'
  readonly detail: string
  readonly href: string
  readonly host: string
  readonly reason: string
  readonly requestId: string
}

const text = messages.redirect_link

/** Instead of a redirect that a stranger could have provoked: the person sees where the link leads, and decides. */
export const RedirectLinkPage = (view: RedirectLinkView) => {
  const heading = view.kind === 'denied' ? text.denied_heading : text.heading
  return (
    <Layout title={heading} frame={view.frame}>
      <h1>{heading}</h1>
      <p class="lead">{view.kind === 'denied' ? text.denied : view.detail}</p>
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
