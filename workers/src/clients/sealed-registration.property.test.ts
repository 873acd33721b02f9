import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSeal } from '../crypto/seal.ts'
import { OAuthError } from '../protocol/errors.ts'
import { openRegistration, type RegistrationAnswer, sealRegistration } from './sealed-registration.ts'

const newKey = (kid: string) => ({ kid, key: crypto.getRandomValues(new Uint8Array(32)) })
const first = newKey('r1')
const rules = { privateUseSchemes: ['cursor', 'vscode'], allowLoopback: false }

const uri = fc.constantFrom(
  'http://localhost:3118/callback',
  'http://127.0.0.1/',
  'https://good.dev/cb',
  'vscode://x/cb',
  'odd://x',
)
const jwk = fc.record({ kty: fc.constant('EC'), crv: fc.constant('P-256'), x: fc.base64String(), y: fc.base64String() })
const publicMethod = fc.constant('none')
const confidentialMethod = fc.constantFrom('client_secret_basic', 'client_secret_post', 'private_key_jwt', undefined)

const metadataWith = (method: fc.Arbitrary<string | undefined>) =>
  fc.record(
    {
      client_name: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
      redirect_uris: fc.array(uri, { minLength: 1, maxLength: 4 }),
      token_endpoint_auth_method: method,
      grant_types: fc.subarray(['authorization_code', 'refresh_token', 'other'], { minLength: 1 }),
      client_uri: fc.constantFrom('https://good.dev', ''),
      jwks: fc.record({ keys: fc.array(jwk, { minLength: 1, maxLength: 2 }) }),
      // Members that this server does not act on.
      contacts: fc.array(fc.string()),
      scope: fc.string(),
      software_id: fc.string(),
    },
    { requiredKeys: ['redirect_uris', 'token_endpoint_auth_method', 'jwks'] },
  )
const metadata = fc.oneof(metadataWith(publicMethod), metadataWith(confidentialMethod))

const random = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'))

/** The answer, or undefined where the metadata is refused. */
async function registered(json: unknown, by: { random: string; keys?: Parameters<typeof createSeal>[0] }) {
  try {
    return await sealRegistration(createSeal(by.keys ?? [first]), json, { ...rules, random: by.random })
  } catch (error) {
    if (error instanceof OAuthError) return undefined
    throw error
  }
}

/** What an answer promises of the client, without what the flow adds. */
function promised({ response_types: _code, client_secret: _secret, ...answer }: RegistrationAnswer) {
  const { client_secret_expires_at: _never, ...members } = answer
  return members
}

describe('any dynamic registration', () => {
  test('that was ever answered still opens as it was answered, by a new process and under keys that were added', async () => {
    const added = fc.uniqueArray(fc.integer({ min: 2, max: 99 }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(metadata, random, added, async (json, bits, kids) => {
        const answer = await registered(json, { random: bits })
        fc.pre(answer !== undefined)
        // Nothing is carried over but the ring of keys.
        const later = createSeal([...kids.map((kid) => newKey(`r${kid}`)), first] as [typeof first])
        expect(await openRegistration(later, answer.client_id)).toMatchObject({ kind: 'dynamic', ...promised(answer) })
        if (answer.client_secret !== undefined) {
          expect(await later.secretOf(answer.client_id)).toBe(answer.client_secret)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('is unknown once its key was dropped, or a character of it was changed', async () => {
    await fc.assert(
      fc.asyncProperty(metadata, random, fc.nat(), async (json, bits, place) => {
        const answer = await registered(json, { random: bits })
        fc.pre(answer !== undefined)
        const { client_id } = answer
        expect(await openRegistration(createSeal([newKey('r2')]), client_id)).toBeUndefined()
        // The last character of base64url carries two bits that are not read: it is left as it is.
        const at = 'dcr_'.length + (place % (client_id.length - 'dcr_'.length - 1))
        const other = client_id[at] === 'A' ? 'B' : 'A'
        const forged = `${client_id.slice(0, at)}${other}${client_id.slice(at + 1)}`
        expect(await openRegistration(createSeal([first]), forged)).toBeUndefined()
      }),
    )
  })

  test('of a public client gives the same id for the same metadata, whenever and whatever else it says', async () => {
    await fc.assert(
      fc.asyncProperty(metadataWith(publicMethod), random, random, fc.string(), async (json, one, two, noise) => {
        const answer = await registered(json, { random: one })
        fc.pre(answer !== undefined)
        const again = await registered({ ...json, contacts: [noise], software_version: noise }, { random: two })
        expect(again?.client_id).toBe(answer.client_id)
        // And another id for other metadata.
        const changed = await registered({ ...json, redirect_uris: ['http://localhost/other'] }, { random: one })
        expect(changed?.client_id).not.toBe(answer.client_id)
      }),
    )
  })

  test('of a confidential client is another client when its metadata is copied', async () => {
    await fc.assert(
      fc.asyncProperty(metadataWith(confidentialMethod), random, random, async (json, one, two) => {
        fc.pre(one !== two)
        const [own, copy] = [await registered(json, { random: one }), await registered(json, { random: two })]
        fc.pre(own !== undefined)
        expect(copy?.client_id).not.toBe(own.client_id)
        if (own.client_secret !== undefined) expect(copy?.client_secret).not.toBe(own.client_secret)
      }),
    )
  })

  test('D3 D13 is not changed by members that would give trust or reach a prototype', async () => {
    const trust = fc.constantFrom(
      '"__proto__":{"trusted":true,"client_name":"Claude"}',
      '"constructor":{"prototype":{"trusted":true}}',
      '"prototype":{"trusted":true}',
      '"client_id":"client_claude_code"',
      '"trusted":true',
      '"skip_consent":true',
      '"kind":"pre_registered"',
      '"owner":"me"',
      '"client_secret":"known"',
      '"x":"AAAA"',
    )
    await fc.assert(
      fc.asyncProperty(metadata, random, fc.array(trust, { minLength: 1, maxLength: 5 }), async (json, bits, more) => {
        const answer = await registered(json, { random: bits })
        fc.pre(answer !== undefined)
        const text = JSON.stringify(json).replace(/^\{/, `{${more.join(',')},`)
        const poisoned = await registered(JSON.parse(text), { random: bits })
        expect(poisoned).toEqual(answer)
        expect(Object.hasOwn(Object.prototype, 'trusted')).toBe(false)
        expect(({} as Record<string, unknown>).trusted).toBeUndefined()
      }),
    )
  })

  test('D6 has an id that no URL and no row can have, within 2,048 characters', async () => {
    await fc.assert(
      fc.asyncProperty(metadata, random, async (json, bits) => {
        const answer = await registered(json, { random: bits })
        fc.pre(answer !== undefined)
        expect(answer.client_id).toMatch(/^dcr_[A-Za-z0-9._-]{1,2044}$/)
        expect(URL.canParse(answer.client_id)).toBe(false)
        // Null breaks the parsers of clients (INTEROP 4.5).
        expect(JSON.stringify(answer)).not.toContain(':null')
      }),
    )
  })
})
