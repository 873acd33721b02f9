import { expect, it, vi } from 'vitest'
import { type AuthAgentOptions, createGuard } from '../src/index.ts'
import { activeAnswer, bearer, makeOptions, makeToken } from './support.ts'

vi.mock('jose', () => {
  throw new Error("Cannot find package 'jose'")
})

async function start(option: Partial<AuthAgentOptions>) {
  const { options, asked, logged } = makeOptions(() => activeAnswer(), option)
  const guard = createGuard(options)
  await vi.waitFor(() => expect(logged.join()).toContain('npm install jose'), { timeout: 50_000 })
  return { decision: await guard.check(bearer(makeToken())), asked }
}

it('L1 validation jwt is closed without jose, and the owner is told at start', async () => {
  const { decision, asked } = await start({ validation: 'jwt' })
  expect(decision.outcome === 'answer' && decision.response.status).toBe(503)
  expect(asked).toEqual([])
})

it('signatureFirst asks about every token without jose, and the owner is told at start', async () => {
  const { decision, asked } = await start({ signatureFirst: true })
  expect(decision.outcome).toBe('allowed')
  expect(asked).toHaveLength(1)
})

it('nothing is missing where no option needs it', async () => {
  const { options, logged } = makeOptions(() => activeAnswer())
  expect((await createGuard(options).check(bearer(makeToken()))).outcome).toBe('allowed')
  expect(logged).toEqual([])
})
