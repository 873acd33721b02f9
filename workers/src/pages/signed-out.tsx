import { fill } from './fill.tsx'
import { Host } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'
import { messages } from './messages.ts'

const text = messages.sign_out

export const SignedOutPage = ({ frame }: { frame: Frame }) => (
  <Layout title={text.done_title} frame={frame}>
    <h1>{text.done_heading}</h1>
    <p class="lead">{fill(text.done_text, { host: <Host>{frame.issuerHost}</Host> })}</p>
  </Layout>
)
