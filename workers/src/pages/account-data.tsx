import { fill } from './fill.tsx'
import { type Frame, Layout } from './layout.tsx'

type DataView = { readonly frame: Frame; readonly email: string }

/** What the person may take along, and the way out. */
export const DataPage = ({ frame, email }: DataView) => {
  const text = frame.messages.data
  return (
    <Layout title={text.title} frame={frame} here="data" wide>
      <h1>{text.heading}</h1>
      <p class="lead">{fill(text.account, { email: <b class="wrap">{email}</b> })}</p>
      <section aria-labelledby="download-heading">
        <h2 id="download-heading">{text.download_heading}</h2>
        <p>{text.download_text}</p>
        <p>
          <a class="button-link filled" href="/account/data/download">
            {text.download}
          </a>
        </p>
      </section>
      <section class="aside" aria-labelledby="delete-heading">
        <h2 id="delete-heading">{text.delete_heading}</h2>
        <p>{text.delete_text}</p>
        <p>
          <a class="button-link outlined danger" href="/account/delete">
            {text.delete}
          </a>
        </p>
      </section>
    </Layout>
  )
}
