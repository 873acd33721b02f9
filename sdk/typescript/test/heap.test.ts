import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createGuard } from '../src/index.ts'
import { activeAnswer, bearer, makeOptions, makeToken } from './support.ts'

// A collection on demand: without it the size of the heap says when the last one was, not what is held.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

describe('the heap under random tokens', () => {
  it.each([
    ['that the issuer does not know', () => Response.json({ active: false })],
    ['that are all live', () => activeAnswer()],
  ])(
    'L7 is bounded after 100,000 tokens %s',
    async (_, answer) => {
      const { options, asked } = makeOptions(answer)
      const guard = createGuard(options)
      const [header, payload] = makeToken().split('.')
      const check = async (number: number) => {
        await guard.check(bearer(`${header}.${payload}.${String(number).padStart(86, 'A')}`))
        asked.length = 0
      }
      // Filled to the brim once, so that what comes after can only replace.
      for (let number = 0; number < 20_000; number++) await check(number)
      const before = heapBytes()
      for (let number = 20_000; number < 120_000; number++) await check(number)
      // 100,000 that are never forgotten need 50 MB, whatever it is of them that stays.
      expect(heapBytes() - before).toBeLessThan(10_000_000)
    },
    120_000,
  )
})
