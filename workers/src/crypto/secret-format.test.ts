import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { KeyRing } from './digest.ts'
import {
  mintApiKey,
  mintManagementToken,
  mintPersonalToken,
  readApiKey,
  readManagementToken,
  readPersonalToken,
} from './secret-format.ts'

const older = { kid: 'old', key: new Uint8Array(32).fill(5) }
const newer = { kid: 'new', key: new Uint8Array(32).fill(6) }
const stranger: KeyRing = [{ kid: 'x', key: new Uint8Array(32).fill(7) }]

describe('API keys', () => {
  it('J5 have a prefix for scanners, a public part, 256 bits of secret and a checksum (SECURITY §2)', async () => {
    const key = await mintApiKey([newer])
    expect(key.key_secret).toMatch(/^sk_[0-9A-Za-z]{61}$/)
    expect(key.key_id).toBe(`key_${key.key_secret.slice(3, 15)}`)
    expect(key.key_secret.endsWith(key.last_four)).toBe(true)
    expect(key.digest).toMatch(/^\\x[0-9a-f]{64}$/)
    expect(key.kid).toBe('new')
  })

  it('are read back with what the database compares', async () => {
    const key = await mintApiKey([newer])
    expect(await readApiKey([newer, older], key.key_secret)).toEqual({
      key_id: key.key_id,
      digests: [key.digest, expect.any(String)],
    })
  })

  it('are still read after a new pepper was put in front (SECURITY §6)', async () => {
    const key = await mintApiKey([older])
    const read = await readApiKey([newer, older], key.key_secret)
    expect(read?.digests[1]).toBe(key.digest)
  })

  it('H5 are refused for the price of an HMAC when they were invented', async () => {
    const { key_secret } = await mintApiKey([newer])
    const derive = vi.spyOn(crypto.subtle, 'deriveBits')
    expect(
      await readApiKey([newer], `${key_secret.slice(0, -1)}${key_secret.endsWith('a') ? 'b' : 'a'}`),
    ).toBeUndefined()
    expect(derive).not.toHaveBeenCalled()
    derive.mockRestore()
    expect(await readApiKey(stranger, key_secret)).toBeUndefined()
  })

  it('J6 are not their ids, nor a management token (J21)', async () => {
    const { key_id } = await mintApiKey([newer])
    const { management_token } = await mintManagementToken([newer])
    expect(await readApiKey([newer], key_id)).toBeUndefined()
    expect(await readApiKey([newer], management_token)).toBeUndefined()
  })

  it('never come out of anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 80 }), async (text) => {
        expect(await readApiKey([newer], text)).toBeUndefined()
        expect(await readApiKey([newer], `sk_${text}`)).toBeUndefined()
      }),
    )
  })
})

describe('management tokens', () => {
  it('are read back with what the database compares', async () => {
    const token = await mintManagementToken([newer])
    expect(token.management_token).toMatch(/^smt_[0-9A-Za-z]{61}$/)
    const { public_part, digest } = token
    expect(await readManagementToken([newer], token.management_token)).toEqual({ public_part, digests: [digest] })
  })

  it('J21 are not API keys', async () => {
    expect(await readManagementToken([newer], (await mintApiKey([newer])).key_secret)).toBeUndefined()
  })
})

describe('personal tokens', () => {
  it('J19 have a prefix for scanners, and are read back with what the database compares', async () => {
    const { personal_token, token_id, digest, last_four } = await mintPersonalToken([newer])
    expect(personal_token).toMatch(/^pat_[0-9A-Za-z]{61}$/)
    expect(personal_token.endsWith(last_four)).toBe(true)
    expect(await readPersonalToken([newer], personal_token)).toEqual({ token_id, digests: [digest] })
    expect(await readApiKey([newer], personal_token)).toBeUndefined()
  })
})

describe('API keys of a request that may be repeated', () => {
  it('are the same for the same request under the same pepper, and others for any other', async () => {
    const key = await mintApiKey([newer, older], 'one')
    expect(await mintApiKey([newer], 'one')).toEqual(key)
    expect((await mintApiKey([older], 'one')).key_secret).not.toBe(key.key_secret)
    expect((await mintApiKey([newer], 'two')).key_secret).not.toBe(key.key_secret)
    expect(await readApiKey([newer], key.key_secret)).toEqual({ key_id: key.key_id, digests: [key.digest] })
  })
})
