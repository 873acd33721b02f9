import { fill } from './fill.tsx'
import { Host } from './form.tsx'
import { type Frame, Layout } from './layout.tsx'

export const SignedOutPage = ({ frame }: { frame: Frame }) => {
  const text = frame.messages.sign_out
  return (
    <Layout title={text.done_title} frame={frame}>
      <h1>{text.done_heading}</h1>
      <p class="lead">{fill(text.done_text, { host: <Host>{frame.issuerHost}</Host> })}</p>
    </Layout>
  )
}
