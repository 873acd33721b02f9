type Message = {
  readonly id: string | number
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Whoever reads the mail of one address; mails that lay there before are not read again. */
export type MailReader = {
  readonly nextCode: () => Promise<string>
  /** The newest unread mail whose text has this shape. */
  readonly nextNotice: (shape: RegExp) => Promise<Message>
}

const codeShape = /\b\d{4}[ -]?\d{4}\b/

const pollMs = 25
/** Long enough for any machine; a mail that never comes is told all the same. */
const patienceMs = 60_000
const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Reads one-time codes (8 digits) from the local mailbox; every message is read at most once. */
export function openMail(mailboxUrl: string, address: string): MailReader {
  const read = new Set<string | number>()
  const unread = async (shape: RegExp) => {
    const messages = (await (await fetch(`${mailboxUrl}/api/messages`)).json()) as Message[]
    const mine = messages.filter((message) => String(message.to).includes(address) && !read.has(message.id))
    return mine.find((message) => shape.test(message.text))
  }
  // The mail leaves after the answer (SECURITY §16), so it may arrive a moment later than the page.
  const next = async (shape: RegExp): Promise<Message> => {
    const endMs = performance.now() + patienceMs
    while (performance.now() < endMs) {
      const message = await unread(shape)
      if (message !== undefined) {
        read.add(message.id)
        return message
      }
      await delay(pollMs)
    }
    throw new Error(`no mail with ${shape} arrived for ${address}`)
  }
  return {
    nextCode: async () => codeShape.exec((await next(codeShape)).text)?.[0].replace(/\D/g, '') ?? '',
    nextNotice: (shape) => next(shape),
  }
}
