import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnServer, registerOwnServer } from '../../bench/visitor.ts'
import { type FormPerson, meetFormPerson } from '../support/form-person.ts'
import * as proxy from '../support/http-proxy.ts'
import { openMail } from '../support/mailbox.ts'
import { type FaultPlace, startFaultPlace } from './fault-place.ts'
import { walk } from './journey.ts'

let place: FaultPlace
let server: OwnServer

beforeAll(async () => {
  place = await startFaultPlace()
  server = await registerOwnServer(place.issuer)
})
afterAll(() => place.close())

/** The page that asks for the code, whose form for a new one holds the address. */
async function askForCode(person: FormPerson) {
  const signIn = await person.open(new URL('/sign-in', place.issuer))
  return person.submit(signIn, '/sign-in', { email: person.email })
}

const failures = [
  ['refuses every connection', proxy.hangUp, 'could not be reached'],
  ['answers 502', proxy.answerWithGatewayPage, 'answered 502'],
  // Given up after 10 s, which nobody waits for.
  ['never answers', proxy.neverAnswer, undefined],
] as const

test.each(failures)(
  'C5 [mail_fails] who carries mail %s: the same page at once, a line with the reference, and a new code signs in later',
  async (_what, behaviour, cause) => {
    const person = meetFormPerson(place)
    place.toMail.behave(behaviour)
    const page = await askForCode(person)
    expect([page.status, page.html.includes('is on its way')]).toEqual([200, true])
    await expect.poll(() => place.toMail.seen()).toBe(1)
    const lines = () =>
      place
        .worker()
        .recentLog()
        .filter((line) => line.includes('email_not_sent'))
    if (cause !== undefined) {
      await expect.poll(() => lines().at(-1)).toContain(cause)
      expect(JSON.parse(lines().at(-1) ?? '{}')).toMatchObject({
        level: 'error',
        request_id: expect.stringMatching(/^req_/),
        reason: 'email_not_sent',
      })
      expect(lines().at(-1)).not.toContain(person.email)
    }
    place.toMail.behave(proxy.pass)
    const again = await person.submit(page, '/sign-in', {})
    const code = await openMail(place.mailboxUrl, person.email).nextCode()
    expect((await person.submit(again, '/sign-in/code', { code })).status).toBe(200)
  },
)

test('[mail_fails] tokens need no mail: with nobody to carry it, what is connected goes on', async () => {
  await walk({
    place,
    server,
    around: (step, send) => {
      // The notices of a new sign-in and a new program are lost; nothing waits for them.
      place.toMail.behave(step === 'sign-in' ? proxy.pass : proxy.hangUp)
      return send()
    },
  })
})
