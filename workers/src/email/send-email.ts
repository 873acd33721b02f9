/** One mail in two parts that say the same. */
export type EmailMessage = {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** @throws EmailNotSent when the carrier did not take it over */
export type SendEmail = (message: EmailMessage) => Promise<void>

/** The message names the carrier and its status, never the address: it goes to the log. */
export class EmailNotSent extends Error {
  override readonly name = 'EmailNotSent'
}

/** Who carries mail, where it is posted, and the credential for that. */
export type Carrier = {
  readonly name: string
  readonly url: string
  readonly secret: string
  readonly fetchUrl: typeof fetch
}

const timeoutMs = 10_000

/** Posts one mail as JSON to whoever carries it; no redirect is followed, because the request holds a credential. */
export async function postMail({ name, url, secret, fetchUrl }: Carrier, body: unknown): Promise<void> {
  const answer = await fetchUrl(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((cause: unknown) => {
    throw new EmailNotSent(`${name} could not be reached`, { cause })
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new EmailNotSent(`${name} answered ${answer.status}`)
}
