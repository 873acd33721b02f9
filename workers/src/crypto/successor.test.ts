import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSuccessor, sealSuccessor } from './successor.ts'

describe('the successor of a refresh token', () => {
  it('G4 is read by the holder of the predecessor', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), fc.string(), async (presented, successor) => {
        expect(await openSuccessor(presented, await sealSuccessor(presented, successor))).toBe(
          new TextDecoder().decode(new TextEncoder().encode(successor)),
        )
      }),
    )
  })

  it('G6 cannot be read with anything else', async () => {
    const sealed = await sealSuccessor('mrt_one', 'mrt_two')
    await expect(openSuccessor('mrt_other', sealed)).rejects.toThrow()
    const altered = `${sealed.slice(0, -2)}${sealed.endsWith('00') ? '01' : '00'}`
    await expect(openSuccessor('mrt_one', altered)).rejects.toThrow()
    await expect(openSuccessor('mrt_one', '\\x00')).rejects.toThrow('not a ciphertext')
  })

  it('G6 is sealed anew each time, though the key is the same', async () => {
    expect(await sealSuccessor('mrt_one', 'mrt_two')).not.toBe(await sealSuccessor('mrt_one', 'mrt_two'))
  })
})
