import { raw } from 'hono/html'
import type { PropsWithChildren } from 'hono/jsx'
import { fill } from './fill.tsx'
import { Mark } from './mark.tsx'
import type { Messages } from './messages/en.ts'
import { Navigation, type NavigationItem } from './navigation.tsx'
import { styles } from './styles.ts'

/** What every page knows: the service, the language it speaks to this person, and who is signed in where that matters. */
export type Frame = {
  readonly issuerHost: string
  readonly serviceName: string
  readonly messages: Messages
  readonly person?: { readonly email: string }
}

type LayoutProps = PropsWithChildren<{ title: string; frame: Frame; wide?: true; here?: NavigationItem }>

const Brand = ({ frame }: { frame: Frame }) => (
  <header class="brand">
    <Mark />
    <span class="brand-name">{frame.serviceName}</span>
    {frame.person === undefined ? (
      <span class="brand-tagline">{frame.messages.tagline}</span>
    ) : (
      <span class="brand-tagline brand-person">
        {fill(frame.messages.nav.signed_in_as, { email: <b class="wrap">{frame.person.email}</b> })}
      </span>
    )}
  </header>
)

/** The document around each page: no script, one inline stylesheet that the CSP names by its hash. */
export const Layout = ({ title, frame, wide, here, children }: LayoutProps) => (
  <html lang={frame.messages.language}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <meta name="color-scheme" content="light dark" />
      <title>{`${title} · ${frame.serviceName}`}</title>
      <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
      <style>{raw(styles)}</style>
    </head>
    <body class={wide ? 'wide' : undefined}>
      <a class="skip" href="#content">
        {frame.messages.skip_to_content}
      </a>
      <Brand frame={frame} />
      {here && <Navigation text={frame.messages.nav} here={here} />}
      <main id="content" class="card">
        {children}
      </main>
      <footer class="foot">{fill(frame.messages.footer, { host: <b class="host">{frame.issuerHost}</b> })}</footer>
    </body>
  </html>
)
