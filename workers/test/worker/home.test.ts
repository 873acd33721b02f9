import { expect, it } from 'vitest'
import { meetVisitor } from './visitor.ts'

it('the front page leads people to their connections, owners to their servers, and programmers to the API', async () => {
  const { status, text } = await meetVisitor().open('/')
  expect(status).toBe(200)
  for (const path of ['/account', '/dashboard', '/docs']) expect(text).toContain(`href="${path}"`)
})
