import { type Frame, Layout } from './layout.tsx'
import { messages } from './messages.ts'

const text = messages.nothing_to_do

/** /sign-in opened by hand, without a request of a program. */
export const NothingToDoPage = ({ frame }: { frame: Frame }) => (
  <Layout title={text.title} frame={frame}>
    <h1>{text.heading}</h1>
    <p class="lead">{text.text}</p>
  </Layout>
)
