import { describe, expect, it } from 'vitest'
import { createAppForPeople } from '../../src/app-for-people.ts'
import { house } from '../support/worker/flow.ts'

const document = async () =>
  (await house.send('/openapi.json')).json as { paths: Record<string, Record<string, { operationId: string }>> }

describe('GET /openapi.json', () => {
  it('describes every operation of /api that there is, and no other (OpenAPI 3.1)', async () => {
    const { paths } = await document()
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const routes = createAppForPeople(house.dependencies).routes.filter(
      ({ method, path }) => method !== 'ALL' && path.startsWith('/api/'),
    )
    const served = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    expect(described.toSorted()).toEqual([...new Set(served)].toSorted())
  })

  it('is cached with a validator, and readable from any origin', async () => {
    const { headers } = await house.send('/openapi.json', { headers: { origin: 'https://editor.example' } })
    expect(headers.get('content-type')).toContain('application/json')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    const again = await house.send('/openapi.json', { headers: { 'if-none-match': headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
  })

  it('says the bounds by which requests are judged', async () => {
    const text = JSON.stringify(await document())
    expect(text).toContain('"maximum":7776000')
    expect(text).toContain('"additionalProperties":false')
  })
})

describe('GET /docs', () => {
  it('shows every operation under our own policy, without a script', async () => {
    const { text, headers, status } = await house.send('/docs')
    expect(status).toBe(200)
    for (const methods of Object.values((await document()).paths)) {
      for (const { operationId } of Object.values(methods)) expect(text).toContain(`id="${operationId}"`)
    }
    expect(text).toContain('array of string or { name, description?, required?, default? }')
    expect(text).not.toContain('<script')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  })
})
