import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { eventsOf, openPlace, type Place } from './place.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
})
afterAll(() => place?.close())

const config = async () => parseConfig(await place.variables())
const kidsOf = (keys: readonly { kid: string }[]) => keys.map(({ kid }) => kid)
const rotate = (kind: string, ...more: string[]) => place.ops(['keys', 'rotate', kind, ...more])

type KeyState = { kind: string; kid: string; state: string; may_go?: boolean; why_not?: string }
async function status(kind: string): Promise<KeyState[]> {
  const { stdout } = await place.ops(['keys', 'status', '--json'])
  return (JSON.parse(stdout) as { keys: KeyState[] }).keys.filter((key) => key.kind === kind)
}

/** As if the keys had come this much earlier. */
const age = (hours: number) =>
  place.database.query(
    `update mcp_data.worker_keys set added_at = added_at - interval '${hours} hours', used_since = used_since - interval '${hours} hours'`,
  )

async function published(): Promise<string[]> {
  const { keys } = (await (await fetch(`${place.issuer}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }
  return kidsOf(keys)
}

describe('keys', () => {
  it('status names every key and no secret', async () => {
    const { stdout } = await place.ops(['keys', 'status'])
    const before = await config()
    for (const keys of [before.tokenPeppers, before.cookieKeys, before.signingKeys, before.registrationKeys]) {
      expect(stdout).toMatch(new RegExp(`${keys[0]?.kid}  in use`))
    }
    const { TOKEN_PEPPERS = '' } = await place.variables()
    expect(stdout).not.toContain(TOKEN_PEPPERS.split(':')[1])
  })

  it('a dry run changes neither the file nor the book', async () => {
    const before = await readFile(place.envFile, 'utf8')
    expect((await rotate('token_peppers', '--dry-run')).stdout).toContain('Tried, nothing was changed.')
    expect(await readFile(place.envFile, 'utf8')).toBe(before)
    expect(await eventsOf(place, 'operator.key_added')).toEqual([])
  })

  it('M4 a pepper: known behind the old one, then in front, and the old one goes when nothing alive was made under it', async () => {
    const [old] = (await config()).tokenPeppers
    const { server_id } = await registerServer()
    expect((await rotate('token_peppers')).stdout).toContain('Run this again in 15 minutes')
    const [first, newest] = (await config()).tokenPeppers
    expect(first).toEqual(old)
    expect(await status('token_peppers')).toMatchObject([{ state: 'in use' }, { kid: newest?.kid, state: 'known' }])
    expect((await rotate('token_peppers')).stderr).toContain('isolates may not know the new key yet')
    await age(1)
    expect((await rotate('token_peppers')).stdout).toContain(`${newest?.kid} is used from now on`)
    expect((await config()).tokenPeppers).toEqual([newest, old])
    await place.deploy()
    const refused = await rotate('token_peppers')
    expect(refused.stderr).toContain('1 management tokens (until they are replaced)')
    expect(await status('token_peppers')).toMatchObject([
      { kid: newest?.kid, state: 'in use' },
      { kid: old.kid, state: 'old', may_go: false, why_not: expect.stringContaining('management tokens') },
    ])
    await place.database.query(
      `update mcp_data.management_tokens set revoked_at = now() where server_id = '${server_id}'`,
    )
    expect(await status('token_peppers')).toMatchObject([{}, { may_go: true }])
    expect((await rotate('token_peppers')).stdout).toContain(`${old.kid} is gone`)
    expect((await config()).tokenPeppers).toEqual([newest])
  })

  it('a signing key: published a day before it signs, and only where the running server does publish it', async () => {
    const [old] = kidsOf((await config()).signingKeys)
    expect((await rotate('signing_keys')).stdout).toContain('Run this again in 24 hours')
    const [next, ...rest] = (await config()).signingKeys
    expect([next?.status, kidsOf(rest)]).toEqual(['next', [old]])
    expect((await rotate('signing_keys')).stderr).toContain('is not published by the running server')
    await place.deploy()
    expect(await published()).toEqual([old, next?.kid])
    expect((await rotate('signing_keys')).stderr).toMatch(/^Not before 20\d\d-/)
    await age(24)
    expect((await rotate('signing_keys')).stdout).toContain(`${next?.kid} is used from now on`)
    await place.deploy()
    expect(await published()).toEqual([next?.kid, old])
    expect((await rotate('signing_keys')).stderr).toContain('tokens of the old one live until then')
    await age(1)
    expect((await rotate('signing_keys')).stdout).toContain(`${old} is gone`)
    expect(kidsOf((await config()).signingKeys)).toEqual([next?.kid])
    const [newest] = await eventsOf(place, 'operator.key_used')
    expect(newest?.detail).toEqual({ kind: 'signing_keys', kid: next?.kid })
  })

  it('a cookie key: the old one goes a day after its successor came', async () => {
    await rotate('cookie_keys')
    await age(1)
    await rotate('cookie_keys')
    expect((await rotate('cookie_keys')).stderr).toContain('open pages hold form tokens of the old one')
    await age(24)
    expect((await rotate('cookie_keys')).code).toBe(0)
    expect((await config()).cookieKeys).toHaveLength(1)
  })

  it('registration keys: added to, never dropped', async () => {
    const before = (await config()).registrationKeys
    for (const count of [2, 3]) {
      expect((await rotate('registration_keys')).stdout).toContain('is added')
      await age(24 * 365)
      expect((await rotate('registration_keys')).stdout).toContain('is used from now on')
      expect((await config()).registrationKeys).toHaveLength(count)
    }
    expect((await config()).registrationKeys.at(-1)).toEqual(before[0])
    const states = await status('registration_keys')
    expect(states.filter(({ may_go }) => may_go)).toEqual([])
    expect(states.at(-1)?.why_not).toContain('Never: clients carry ids that it sealed')
  })

  it.each(['token_peppers', 'cookie_keys', 'signing_keys', 'registration_keys'])(
    'after a leak %s are replaced at once, whatever ends with them (SECURITY §6)',
    async (kind) => {
      await rotate(kind)
      const tried = await rotate(kind, '--now')
      expect(tried.stdout).toContain('Say --yes to do it.')
      const before = await place.variables()
      const done = await rotate(kind, '--now', '--yes', '--reason', 'leaked')
      expect([done.code, done.stderr]).toEqual([0, ''])
      const [mine, ...others] = await status(kind)
      expect([mine?.state, others]).toEqual(['in use', []])
      expect(before[kind.toUpperCase()]).not.toContain(mine?.kid)
      expect((await eventsOf(place, 'operator.key_dropped'))[0]).toMatchObject({
        reason: 'leaked',
        detail: { when: 'now' },
      })
      expect(await config()).toBeDefined()
    },
  )

  it.each([
    ['keys rotate passwords', 'Say which keys'],
    ['keys rotate', 'npm run ops -- keys rotate <'],
  ])('says what is wrong with "%s"', async (line, sentence) => {
    expect(await place.ops(line.split(' '))).toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) })
  })
})

async function registerServer(): Promise<{ server_id: string }> {
  const answer = await fetch(`${place.issuer}/api/servers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ server_url: 'http://localhost:9/mcp', server_name: 'Files', scopes: ['files:read'] }),
  })
  expect(answer.status).toBe(201)
  return (await answer.json()) as { server_id: string }
}
