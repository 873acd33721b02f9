/** Plain text only: a mail without markup can hide no link. */
export type EmailMessage = { readonly to: string; readonly subject: string; readonly text: string }

/** @throws EmailNotSent when the carrier did not take it over */
export type SendEmail = (message: EmailMessage) => Promise<void>

/** The message names the carrier and its status, never the address: it goes to the log. */
export class EmailNotSent extends Error {
  override readonly name = 'EmailNotSent'
}

const timeoutMs = 10_000

/** Posts one mail as JSON to whoever carries it; no redirect is followed, because the request holds a credential. */
export async function postMail(carrier: string, url: string, secret: string, body: unknown): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((cause: unknown) => {
    throw new EmailNotSent(`${carrier} could not be reached`, { cause })
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new EmailNotSent(`${carrier} answered ${answer.status}`)
}
