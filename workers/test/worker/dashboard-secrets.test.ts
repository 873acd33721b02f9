import { describe, expect, it } from 'vitest'
import { sql } from '../support/worker/sql.ts'
import { ownerOf, secretIn } from './dashboard-owner.ts'

describe('the forms of the dashboard', () => {
  it('J5 make one secret of a form that is sent twice, and show it again; another name makes another', async () => {
    const { visitor, at, server_id } = await ownerOf()
    const count = async (table: string) =>
      (await sql(`select from mcp_data.${table} where server_id = $1`, [server_id])).length
    const keys = await visitor.open(at('keys'))
    const ask = async (name: string) => secretIn(await visitor.submit(keys, at('keys'), { act: 'create_key', name }))
    const [first, again] = await Promise.all([ask('ci'), ask('ci')])
    expect(first).toMatch(/^sk_/)
    expect([again, await count('server_keys')]).toEqual([first, 1])
    expect(await ask('other')).not.toBe(first)
    const webhooks = await visitor.open(at('webhooks'))
    const fields = { act: 'create_webhook', url: 'https://hooks.example.com/x', event: 'connection.made' }
    const hook = async () => secretIn(await visitor.submit(webhooks, at('webhooks'), fields))
    expect(await hook()).toBe(await hook())
    expect(await count('webhooks')).toBe(1)
    const tokens = await visitor.open('/dashboard/tokens')
    const asked = { act: 'create_token', name: 'ci', scope: 'servers:read', days: '30' }
    const token = async () => secretIn(await visitor.submit(tokens, '/dashboard/tokens', asked))
    expect(await token()).toBe(await token())
  })
})
