type Message = { readonly id: string | number; readonly to: string; readonly text: string }

/** Whoever reads the mail of one address; mails that lay there before are not read again. */
export type MailReader = { readonly nextCode: () => Promise<string> }

const pollMs = 25
const attempts = 400
const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Reads one-time codes (8 digits) from the local mailbox; every message is read at most once. */
export function openMail(mailboxUrl: string, address: string): MailReader {
  const read = new Set<string | number>()
  const newest = async () => {
    const messages = (await (await fetch(`${mailboxUrl}/api/messages`)).json()) as Message[]
    return messages.find((message) => String(message.to).includes(address) && !read.has(message.id))
  }
  return {
    // The mail leaves after the answer (SECURITY §16), so it may arrive a moment later than the page.
    nextCode: async () => {
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const message = await newest()
        const code = message?.text.match(/\b\d{4}[ -]?\d{4}\b/)?.[0].replace(/\D/g, '')
        if (message && code) {
          read.add(message.id)
          return code
        }
        await delay(pollMs)
      }
      throw new Error(`no mail with a code arrived for ${address}`)
    },
  }
}
