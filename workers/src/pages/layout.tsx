import { raw } from 'hono/html'
import type { PropsWithChildren } from 'hono/jsx'
import { fill } from './fill.tsx'
import { messages } from './messages.ts'
import { styles } from './styles.ts'

/** What every page knows about the service itself. */
export type Frame = { readonly issuerHost: string; readonly serviceName: string }

/** Two rings that hold each other: a program, a server, and the agreement between them. */
const Mark = () => (
  <svg class="mark" viewBox="0 0 40 24" width="40" height="24" aria-hidden="true" focusable="false">
    <circle cx="13" cy="12" r="8.5" fill="none" stroke="currentColor" stroke-width="3.5" />
    <circle cx="27" cy="12" r="8.5" fill="none" stroke="currentColor" stroke-width="3.5" stroke-opacity="0.55" />
  </svg>
)

/** The document around each page: no script, one inline stylesheet that the CSP names by its hash. */
export const Layout = ({
  title,
  frame,
  wide,
  children,
}: PropsWithChildren<{ title: string; frame: Frame; wide?: true }>) => (
  <html lang={messages.language}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <meta name="color-scheme" content="light dark" />
      <title>{`${title} · ${frame.serviceName}`}</title>
      <style>{raw(styles)}</style>
    </head>
    <body>
      <a class="skip" href="#content">
        {messages.skip_to_content}
      </a>
      <header class="brand">
        <Mark />
        <span class="brand-name">{frame.serviceName}</span>
        <span class="brand-tagline">{messages.tagline}</span>
      </header>
      <main id="content" class={wide ? 'card wide' : 'card'}>
        {children}
      </main>
      <footer class="foot">{fill(messages.footer, { host: <b class="host">{frame.issuerHost}</b> })}</footer>
    </body>
  </html>
)
