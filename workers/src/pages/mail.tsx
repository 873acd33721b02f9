import { raw } from 'hono/html'
import { fillText } from './fill.tsx'
import type { Frame } from './layout.tsx'

/** What a mail says: sentences only. `code` is shown by itself, large, where the mail is about one. */
export type MailContent = {
  readonly subject: string
  readonly paragraphs: readonly string[]
  readonly code?: string
}

export type Mail = { readonly subject: string; readonly text: string; readonly html: string }

// Colours as in design-tokens.ts; mail programs know no custom properties.
const styles = `
body{margin:0;padding:24px 12px;background:#f3f4f1;color:#17211d;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
.card{max-width:512px;margin:0 auto;background:#fff;border:1px solid #d9ddd7;border-radius:16px;padding:32px}
.brand{margin:0 0 20px;font-weight:600;color:#0c5c49}
h1{font-size:22px;line-height:1.25;margin:0 0 12px}
p{margin:0 0 12px;overflow-wrap:anywhere}
.code{font:600 28px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:.2em;background:#f1f3f0;border-radius:10px;padding:16px;margin:16px 0;text-align:center}
.foot{max-width:512px;margin:16px auto 0;font-size:14px;color:#505b56;text-align:center}
@media (prefers-color-scheme:dark){body{background:#0e1311;color:#e8edea}.card{background:#161c1a;border-color:#2d3633}.brand{color:#6fd3b3}.code{background:#1e2623}.foot{color:#a5b0ab}}
`.replace(/\n/g, '')

type DocumentProps = { readonly frame: Frame; readonly content: MailContent; readonly foot: string }

/** No link, no image, nothing from elsewhere: a mail that holds none cannot teach people to follow one (SECURITY §16). */
const MailDocument = ({ frame, content, foot }: DocumentProps) => (
  <html lang={frame.messages.language}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no" />
      <title>{content.subject}</title>
      <style>{raw(styles)}</style>
    </head>
    <body>
      <main class="card">
        <p class="brand">{frame.serviceName}</p>
        <h1>{content.subject}</h1>
        {content.code && <p class="code">{content.code}</p>}
        {content.paragraphs.map((paragraph) => (
          <p>{paragraph}</p>
        ))}
      </main>
      <p class="foot">{foot}</p>
    </body>
  </html>
)

/** A mail in both forms, saying the same (RFC 2046 §5.1.4). */
export function mailOf(frame: Frame, content: MailContent): Mail {
  const foot = fillText(frame.messages.mail.foot, { host: frame.issuerHost })
  return {
    subject: content.subject,
    text: `${[...content.paragraphs, `-- \n${foot}`].join('\n\n')}\n`,
    html: `<!doctype html>${MailDocument({ frame, content, foot }).toString()}`,
  }
}
