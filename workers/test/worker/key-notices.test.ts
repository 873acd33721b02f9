import { describe, expect, it } from 'vitest'
import { runKeyNotices } from '../../src/key-notices.ts'
import { openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { callApi, meetOwner, newServerUrl } from './api-requests.ts'
import { mailsTo } from './mails.ts'

const house = openHouse()

/** An owner with a key that ends in an hour, and what the mailbox holds about it. */
async function ownerOfShortKey() {
  const owner = await meetOwner()
  const body = { server_url: newServerUrl(), server_name: 'Team files', scopes: ['files:read'] }
  const { server_id } = (await callApi('POST', '/api/servers', owner.token, body)).json
  const key = { name: 'short', expires_in: 3_600 }
  const { key_id } = (await callApi('POST', `/api/servers/${server_id}/keys`, owner.token, key)).json
  const notices = async () => (await mailsTo(owner.email)).filter(({ text }) => /ends on|läuft am/.test(text))
  return { owner, server_id: String(server_id), key_id: String(key_id), notices }
}

describe('keys that end', () => {
  it('are told to their owner by mail a week ahead, once, with ids and nothing that anybody chose (SECURITY §16)', async () => {
    const { server_id, key_id, notices } = await ownerOfShortKey()
    await runKeyNotices(house.dependencies)
    await runKeyNotices(house.dependencies)
    const [mail, ...others] = await notices()
    expect(others).toEqual([])
    expect(mail?.subject).toBe('An API key of your MCP server ends soon')
    expect(mail?.text).toContain(`The API key ${key_id} of your server ${server_id} at localhost:9400 ends on`)
    expect(mail?.text).toContain('UTC')
    expect(mail?.text).not.toContain('Team files')
    expect(mail?.text).not.toContain('short')
  })

  it('are told in the language of the owner’s last sign-in', async () => {
    const { owner, notices } = await ownerOfShortKey()
    await sql("update mcp_data.accounts set language = 'de' where account_id = $1", [owner.user_id])
    await runKeyNotices(house.dependencies)
    expect((await notices())[0]?.subject).toBe('Ein API-Schlüssel Ihres MCP-Servers läuft bald ab')
  })

  it('are told to the others when one mail cannot be sent, and the log says so', async () => {
    const [one, two] = [await ownerOfShortKey(), await ownerOfShortKey()]
    const lame = openHouse({
      dependencies: {
        sendEmail: async (mail) => {
          if (mail.to === one.owner.email) throw new Error('the carrier is down')
          await house.dependencies.sendEmail(mail)
        },
      },
    })
    await runKeyNotices(lame.dependencies)
    expect([(await one.notices()).length, (await two.notices()).length]).toEqual([0, 1])
    expect(lame.lines).toContainEqual(expect.objectContaining({ level: 'error', job: 'key_notices' }))
  })
})
