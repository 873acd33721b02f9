import { raw } from 'hono/html'
import type { PropsWithChildren } from 'hono/jsx'
import { fill } from './fill.tsx'
import { Mark } from './mark.tsx'
import { messages } from './messages.ts'
import { styles } from './styles.ts'

/** What every page knows about the service itself. */
export type Frame = { readonly issuerHost: string; readonly serviceName: string }

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
      <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
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
