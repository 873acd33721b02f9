import { cloudflareSender, type EmailBinding } from '../../src/email/cloudflare.ts'
import type { EmailMessage } from '../../src/email/send-email.ts'

type Bindings = { readonly EMAIL: EmailBinding }

/** A Worker that sends what it is told through the binding EMAIL, as ours does. */
// biome-ignore lint/style/noDefaultExport: that is what the entry of a Worker is.
export default {
  async fetch(request: Request, { EMAIL }: Bindings): Promise<Response> {
    const { from, ...message } = (await request.json()) as EmailMessage & { from: string }
    try {
      await cloudflareSender({ from, binding: EMAIL })(message)
      return new Response('sent')
    } catch (error) {
      return new Response(String(error), { status: 502 })
    }
  },
}
