import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { hmac, isEqualSecret, type KeyedSecret } from '../crypto/digest.ts'
import { toBase64Url } from '../crypto/encoding.ts'
import { newDeviceId } from '../crypto/random.ts'
import type { KnownDevice } from '../store/rows.ts'
import { readCookie, writeCookie } from './cookies.ts'

/** How many people one browser is remembered for. */
const marksKept = 4

/** One person who has signed in on this device: when, and our signature over device, moment and address. */
type Mark = { readonly signedAtSeconds: number; readonly signature: string }
type Device = { readonly device_id: string; readonly marks: readonly Mark[] }

/** `<id>~<seconds>.<signature>~…`, newest first; whose marks they are cannot be read from it. */
function parseDevice(cookie: string): Device {
  const [device_id = '', ...marks] = cookie.split('~')
  const parsed = marks.map((mark) => {
    const [seconds = '', signature = ''] = mark.split('.')
    return { signedAtSeconds: Number(seconds), signature }
  })
  return { device_id, marks: parsed }
}

function formatDevice({ device_id, marks }: Device): string {
  return [device_id, ...marks.map((mark) => `${mark.signedAtSeconds}.${mark.signature}`)].join('~')
}

type Signed = { readonly device_id: string; readonly signedAtSeconds: number; readonly email: string }

/** 128 bits are enough for what only spares a mail. */
async function sign({ key }: KeyedSecret, { device_id, signedAtSeconds, email }: Signed): Promise<string> {
  const bytes = await hmac(key, ['device', device_id, signedAtSeconds, email].join('\0'))
  return toBase64Url(bytes.slice(0, 16))
}

async function isSigned(c: Context<AppEnv>, signed: Signed, signature: string): Promise<boolean> {
  const expected = await Promise.all(c.var.config.cookieKeys.map((key) => sign(key, signed)))
  return expected.some((one) => isEqualSecret(one, signature))
}

function presentedDevice(c: Context<AppEnv>): Device | undefined {
  const cookie = readCookie(c, 'device')
  return cookie === undefined ? undefined : parseDevice(cookie)
}

/** The device as one on which this person has signed in before, or null (C7, C18). It signs nobody in. */
export async function knownDevice(c: Context<AppEnv>, email: string): Promise<KnownDevice | null> {
  const device = presentedDevice(c)
  for (const { signedAtSeconds, signature } of device?.marks ?? []) {
    const { device_id } = device ?? { device_id: '' }
    if (await isSigned(c, { device_id, signedAtSeconds, email }, signature)) {
      return { device_id, signed_at_seconds: signedAtSeconds }
    }
  }
  return null
}

/** Marks the device as this person's; a mark of before makes room. */
export async function rememberDevice(c: Context<AppEnv>, email: string): Promise<void> {
  const { config, clock } = c.var
  const { device_id, marks } = presentedDevice(c) ?? { device_id: newDeviceId(), marks: [] }
  const others: Mark[] = []
  for (const mark of marks) {
    if (!(await isSigned(c, { device_id, email, ...mark }, mark.signature))) others.push(mark)
  }
  const signedAtSeconds = Math.floor(clock() / 1000)
  const [newest] = config.cookieKeys
  const signature = await sign(newest, { device_id, signedAtSeconds, email })
  const kept = [{ signedAtSeconds, signature }, ...others].slice(0, marksKept)
  writeCookie(c, 'device', formatDevice({ device_id, marks: kept }), config.lifetimes.device_seconds)
}
