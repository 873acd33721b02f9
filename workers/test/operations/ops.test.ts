import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsOf, keyOf, openPlace, type Place, runProgram } from './place.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
})
afterAll(() => place?.close())

const json = async (args: readonly string[]) => JSON.parse((await place.ops([...args, '--json'])).stdout)

describe('the command line', () => {
  it('is a program that runs by itself', async () => {
    expect(
      await runProgram('workers/operations/ops.ts', ['clients', 'list'], { DATABASE_URL: place.databaseUrl }),
    ).toEqual({ code: 0, stdout: expect.stringContaining('client_claude_code  Claude Code\n'), stderr: '' })
    expect(await runProgram('workers/operations/ops.ts', ['clients'])).toMatchObject({ code: 1, stdout: '' })
  })

  it('lists every command, and each has --help', async () => {
    const { stdout } = await place.ops(['--help'])
    const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]*(?: [a-z]+)?)(?=$| <)/gm)].map(([, name = '']) => name)
    expect(names).toHaveLength(18)
    for (const name of names) {
      const help = await place.ops([...name.split(' '), '--help'], {})
      expect(help.stdout, name).toContain(`npm run ops -- ${name}`)
      expect([help.code, help.stderr]).toEqual([0, ''])
    }
  })

  it.each([
    [['servers'], 'There is no command servers.\n\nnpm run ops -- <command>'],
    [
      ['clients', 'block'],
      'wants <client_id>, and nothing else but options.\n\nnpm run ops -- clients block <client_id>',
    ],
    [['doctor', 'now'], 'doctor takes nothing but options.'],
    [['switch', 'registration', 'off', '--force'], "Unknown option '--force'"],
    [['switch', 'registration', 'maybe'], 'Say which of registration'],
    [['clients', 'add', 'client_x', '--redirect-uri', 'ftp://x.example/'], 'is no redirect URI'],
    [['clients', 'add', 'client_x', '--redirect-uri', 'http://localhost:80/cb'], 'any will do'],
    [['audit', 'export', 'yesterday', 'today'], 'Say from when'],
  ])('says what is wrong with %j, and ends with 1', async (args, sentence) => {
    const { code, stderr } = await place.ops(args)
    expect([code, stderr]).toEqual([1, expect.stringContaining(sentence)])
    expect(stderr).not.toContain('    at ')
  })
})

describe('the way to the database', () => {
  const state = ['switch', 'documents', 'on']

  it('is a login that may act as mcp_operator and do nothing else (SECURITY §27)', async () => {
    expect(await place.ops(state)).toMatchObject({ code: 0, stdout: 'documents was on already.\n' })
  })

  it('tells in one sentence that it does not answer, or lets nobody act as mcp_operator', async () => {
    const stranger = new URL(place.databaseUrl)
    stranger.username = `stranger_${randomUUID().slice(0, 8)}`
    await place.database.query(`create role ${stranger.username} login password '${stranger.password}'`)
    for (const [DATABASE_URL, sentence] of [
      ['postgres://nobody@127.0.0.1:9/x', 'The database does not answer: '],
      [stranger.href, 'This login cannot act as mcp_operator '],
    ] as const) {
      const { code, stderr } = await place.ops(state, { DATABASE_URL })
      expect([code, stderr]).toEqual([1, expect.stringMatching(new RegExp(`^${sentence}.*\\.\n$`))])
    }
  })

  it('is the login of the file where the environment names no other: the one that deploys (docs/deploy.md)', async () => {
    const before = await readFile(place.envFile, 'utf8')
    await writeFile(place.envFile, `${before}DATABASE_URL=${place.databaseUrl}\n`)
    expect(await place.ops(state, {})).toMatchObject({ code: 0 })
    expect(await place.ops(state, { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/x' })).toMatchObject({ code: 1 })
    await writeFile(place.envFile, before)
  })

  it('is a key of the role mcp_operator over the RPC surface, which operator-key makes for an hour', async () => {
    const made = await place.ops(['operator-key'], { JWT_SECRET: place.jwtSecret })
    const env = { SUPABASE_URL: place.database.url, OPERATOR_KEY: made.stdout.trim() }
    expect(await place.ops(state, env)).toMatchObject({ code: 0 })
    const claims = JSON.parse(Buffer.from(made.stdout.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ role: 'mcp_operator', exp: expect.any(Number) })
    expect(claims.exp - Date.now() / 1_000).toBeLessThan(3_601)
  })

  it('is the folder of npm start', async () => {
    await writeFile(join(place.folder, 'secrets.json'), JSON.stringify({ JWT_SECRET: place.jwtSecret }))
    expect(await place.ops([...state, '--data', place.folder], {})).toMatchObject({ code: 0 })
    const doctor = await place.ops(['doctor', '--data', place.folder], {})
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringContaining('✓ configuration')])
    const empty = await place.ops([...state, '--data', join(place.folder, 'none')], {})
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringContaining('has no worker.env')])
  })

  it.each(['mcp_worker', 'service_role'])('is never a key of %s', async (role) => {
    const env = { SUPABASE_URL: place.database.url, OPERATOR_KEY: await keyOf(place, role) }
    expect(await place.ops(state, env)).toMatchObject({ code: 1, stderr: expect.stringContaining('mcp_operator') })
  })

  it('has to be said', async () => {
    expect(await place.ops(state, {})).toMatchObject({ code: 1, stderr: expect.stringContaining('DATABASE_URL') })
  })
})

describe('changes', () => {
  it('are audit events that name who made them and why', async () => {
    expect(await place.ops(['switch', 'registration', 'off', '--reason', 'flood'])).toMatchObject({
      code: 0,
      stdout: 'registration is off. Clients that register themselves: within ten seconds.\n',
    })
    expect(await eventsOf(place, 'operator.switch_turned')).toEqual([
      { reason: 'flood', detail: { switch: 'registration', state: 'off' }, user_agent: 'ops by alice' },
    ])
    await place.ops(['switch', 'registration', 'on'])
  })

  it('are tried by --dry-run, and only tried without --yes where they cannot be taken back', async () => {
    const dry = await place.ops(['switch', 'documents', 'off', '--dry-run'])
    expect(dry.stdout).toMatch(/^Tried, nothing was changed. It would be: documents is off/)
    const tried = await place.ops(['epoch', 'raise', '--reason', 'drill'])
    expect(tried.stdout).toContain('Say --yes to do it.')
    expect(await json(['switch', 'documents', 'on'])).toMatchObject({ outcome: 'unchanged' })
    expect(await eventsOf(place, 'operator.epoch_raised')).toEqual([])
    expect(await json(['epoch', 'raise', '--yes'])).toMatchObject({ outcome: 'raised', issuer_epoch: 2 })
  })

  it('reach a client that is registered by hand, blocked and unblocked', async () => {
    const redirects = ['--redirect-uri', 'https://desk.example/cb', '--redirect-uri', 'http://127.0.0.1/cb']
    expect(await json(['clients', 'add', 'client_desk', '--name', 'Desk', ...redirects])).toMatchObject({
      outcome: 'added',
      client: { redirect_uris: ['https://desk.example/cb', 'http://127.0.0.1/cb'] },
    })
    const ask = async (redirect_uri: string) => {
      const query = new URLSearchParams({ client_id: 'client_desk', redirect_uri, response_type: 'code' })
      const answer = await fetch(`${place.issuer}/authorize?${query}`, { redirect: 'manual' })
      await answer.text()
      return answer.headers.get('location') ?? answer.status
    }
    // Known and its redirect proven: what is wrong with the request is told to the client.
    expect(await ask('https://desk.example/cb')).toContain('https://desk.example/cb?error=invalid_request')
    expect(await ask('https://other.example/cb')).toBe(400)
    await place.ops(['clients', 'block', 'client_desk', '--reason', 'leak'])
    expect((await place.ops(['clients', 'list'])).stdout).toContain('client_desk  Desk  blocked: leak')
    expect((await place.ops(['clients', 'unblock', 'client_desk'])).code).toBe(0)
    expect((await place.ops(['clients', 'unblock', 'client_desk'])).stderr).toBe('It is not blocked.\n')
  })

  it.each([
    ['servers suspend srv_x', 'No server has this id'],
    ['servers resume srv_x', 'No server has this id'],
    ['servers transfer srv_x --to a@mail.example', 'No server has this id'],
    ['users disable a@mail.example', 'There is no such account'],
    ['users enable a@mail.example', 'There is no such account'],
    ['users export a@mail.example', 'There is no such account'],
    ['users remove-passkeys a@mail.example --yes', 'There is no such account'],
    ['users delete a@mail.example --yes', 'There is no such account'],
  ])('%s: a sentence where there is nothing of that name', async (line, sentence) => {
    expect(await place.ops(line.split(' '))).toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) })
  })
})

describe('audit export', () => {
  it('writes one JSON object a line, every event once, oldest first (SECURITY §28)', async () => {
    await place.database.query(
      `insert into mcp_data.audit_events (event, occurred_at, user_agent)
       select 'code.sent', '2026-11-24T12:00:00Z'::timestamptz + n * interval '1 second', E'line\\nbreak' from generate_series(1, 2345) n`,
    )
    const span = ['audit', 'export', '2026-11-24', '2026-11-25']
    const { stdout } = await place.ops(span)
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event_id: string; occurred_at: string; user_agent: string })
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(2345)
    expect([events[0]?.occurred_at, events.at(-1)?.occurred_at]).toEqual([
      '2026-11-24T12:00:01+00:00',
      '2026-11-24T12:39:05+00:00',
    ])
    expect(events[0]?.user_agent).toBe('line\nbreak')
    expect((await place.ops([...span, '--dry-run'])).stdout).toBe('2345 events.\n')
    expect((await place.ops(['audit', 'export', '2020-11-25', '2020-11-26'])).stdout).toBe('')
  })
})
