import { Hono } from 'hono'
import { sealRegistration } from '../clients/sealed-registration.ts'
import type { AppEnv } from '../context.ts'
import { randomBase64Url } from '../crypto/random.ts'
import { BODY_LIMIT_BYTES } from '../http/body.ts'
import { readJsonBody } from '../http/json-body.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'

/** 128 bits: whoever copies a confidential client's metadata gets another client. */
const randomSizeBytes = 16

/** Dynamic registration (RFC 7591 §3), stateless: nothing is written, and the switch is read once in ten seconds. */
export const registerRoute = new Hono<AppEnv>().post('/register', rateLimit('RATE_REGISTER'), async (c) => {
  // The answer may hold a secret (THREATS D11).
  c.header('Cache-Control', 'no-store')
  c.header('Pragma', 'no-cache')
  const { config, seal, readSwitches } = c.var
  if (!config.registrationIsOn || !(await readSwitches()).registration) throw refused('registration_disabled')
  const metadata = await readJsonBody(c, BODY_LIMIT_BYTES)
  const rules = { privateUseSchemes: config.privateUseSchemes, allowLoopback: config.documents.allowLoopback }
  const answer = await sealRegistration(seal, metadata, { ...rules, random: randomBase64Url(randomSizeBytes) })
  c.set('event', 'client.registered')
  return c.json(answer, 201)
})
