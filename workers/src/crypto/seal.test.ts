import { describe, expect, test } from 'vitest'
import type { KeyedSecret } from './digest.ts'
import { createSeal } from './seal.ts'

const key = (kid: string): KeyedSecret => ({ kid, key: crypto.getRandomValues(new Uint8Array(32)) })
const old = key('r1')
const young = key('r2')

describe('sealed client ids', () => {
  test('the same metadata gives the same id, and it opens (HTTP-API, Client registration)', async () => {
    const { seal, open } = createSeal([old])
    const id = await seal('{"n":"Ärger"}')
    expect(await seal('{"n":"Ärger"}')).toBe(id)
    expect(id).toMatch(/^dcr_[A-Za-z0-9._-]+$/)
    expect(await open(id)).toBe('{"n":"Ärger"}')
  })

  test('an id of an older key still opens, and keeps its secret, after a newer key was added', async () => {
    const before = createSeal([old])
    const id = await before.seal('{}')
    const after = createSeal([young, old])
    expect(await after.open(id)).toBe('{}')
    expect(await after.secretOf(id)).toBe(await before.secretOf(id))
    expect(await after.seal('{}')).not.toBe(id)
  })

  test.each([
    ['another payload', (id: string) => id.replace(/\.[^.]+\./, '.e30x.')],
    ['another MAC', (id: string) => `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`],
    ['another key id', (id: string) => id.replace('dcr_r1', 'dcr_r9')],
    ['no MAC', (id: string) => id.slice(0, id.lastIndexOf('.'))],
  ])('an id with %s does not open and has no secret', async (_change, change) => {
    const { seal, open, secretOf } = createSeal([old])
    const id = change(await seal('{"a":1}'))
    expect(await open(id)).toBeUndefined()
    expect(await secretOf(id)).toBeUndefined()
  })

  test('an id sealed under a key we do not have does not open', async () => {
    expect(await createSeal([old]).open(await createSeal([young]).seal('{}'))).toBeUndefined()
  })

  test('each id has a secret of its own, of 256 bits', async () => {
    const { seal, secretOf } = createSeal([old])
    const one = await secretOf(await seal('{"x":1}'))
    expect(one).toMatch(/^dcs_[A-Za-z0-9_-]{43}$/)
    expect(await secretOf(await seal('{"x":2}'))).not.toBe(one)
  })
})
