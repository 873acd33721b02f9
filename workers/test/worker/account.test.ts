import { beforeAll, describe, expect, it } from 'vitest'
import { connect, introspect, isActive, type Owner, openServer, refresh, tokensOf } from '../support/worker/flow.ts'
import { sql } from '../support/worker/sql.ts'
import { type Answer, hiddenFields, issuer, meetVisitor, type Visitor } from './visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer([
    { name: 'files:read', description: 'List and read files.', required: true },
    { name: 'files:write', description: 'Create and change files.' },
  ])
})

const connectionIdOf = ({ code }: { code: string }) => code.slice(4, 26)
const connected = async (visitor?: Visitor, at = owner) => {
  const made = await connect(at, { scope: 'openid files:read files:write' }, visitor)
  return { ...made, id: connectionIdOf(made), page: `/account/connections/${connectionIdOf(made)}` }
}
const revokePath = '/account/connections/revoke'
const narrowPath = '/account/connections/narrow'
const countOf = (text: string, part: string) => text.split(part).length - 1

/** Sends one of several forms that go to the same place: the one that holds this id. */
const end = (visitor: Visitor, page: Answer, fields: Record<string, string>) => visitor.submit(page, revokePath, fields)

/** The same person in another browser. */
async function elsewhere(visitor: Visitor): Promise<Visitor> {
  const other = meetVisitor()
  const page = await other.submit(await other.open('/sign-in'), '/sign-in', { email: visitor.email })
  await other.submit(await other.follow(page), '/sign-in/code', { code: await visitor.nextCode() })
  return other
}

describe('GET /account', () => {
  it('B31 lists what is connected: program, server, host, scopes and last use', async () => {
    const { visitor } = await connected()
    const { status, text } = await visitor.open('/account')
    expect(status).toBe(200)
    for (const shown of ['Claude Code', 'Team files', 'localhost:9401', 'files:read', 'files:write', visitor.email]) {
      expect(text).toContain(shown)
    }
    expect(text).toMatch(/used <time datetime="[^"]+" title="[^"]+ UTC">now<\/time>/)
  })

  it('names eight scopes and counts the others, so that the next program is in sight', async () => {
    const scopes = Array.from({ length: 20 }, (_, index) => `reports:${index}`)
    const reports = await openServer(scopes.map((name) => ({ name, description: '' })))
    const { visitor } = await connect(reports, { scope: scopes.join(' ') })
    const { text } = await visitor.open('/account')
    expect([countOf(text, 'class="chip"'), countOf(text, 'and 12 more')]).toEqual([8, 1])
  })

  it('asks to sign in and comes back', async () => {
    const visitor = meetVisitor()
    const answer = await visitor.open('/account')
    expect([answer.status, answer.location?.pathname]).toEqual([303, '/sign-in'])
    const code = await visitor.follow(
      await visitor.submit(await visitor.follow(answer), '/sign-in', { email: visitor.email }),
    )
    const back = await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() })
    expect((await visitor.follow(back)).text).toContain('Nothing is connected.')
  })

  it('pages of one’s own need a session, each of them, and lead back to themselves', async () => {
    for (const path of ['/account/sessions', '/account/activity', '/account/data', '/account/delete']) {
      const { location } = await meetVisitor().open(path)
      expect(location?.searchParams.get('return_to')).toBe(path)
    }
    const stale = meetVisitor()
    stale.cookies.set('session', 's'.repeat(43))
    const download = await stale.open('/account/data/download')
    expect(download.location?.searchParams.get('return_to')).toBe('/account/data')
  })

  it('shows nobody else’s connections', async () => {
    const { id } = await connected()
    const other = (await connected()).visitor
    expect((await other.open('/account')).text).not.toContain(id)
    expect((await other.open(`/account/connections/${id}`)).status).toBe(404)
  })

  it.each([
    ['dynamic', 'dcr_x', 'Some tool', 'name not verified'],
    ['metadata_document', 'https://tools.example.net/client', 'Some tool', 'published by tools.example.net'],
    ['metadata_document', 'https://tools.example.net/client', 'Claude Code', 'well-known name'],
  ])(
    'B20 says what vouches for the name of a program that is %s: %s, %s',
    async (kind, client_id, client_name, told) => {
      const { visitor, id } = await connected()
      await sql('update mcp_data.connections set client = client || $2::jsonb where connection_id = $1', [
        id,
        JSON.stringify({ kind, client_id, client_name }),
      ])
      expect((await visitor.open('/account')).text).toContain(told)
    },
  )

  it('turns its pages', async () => {
    const { visitor, id } = await connected()
    const columns = await sql(
      `select string_agg(quote_ident(attname), ', ') as names from pg_attribute
       where attrelid = 'mcp_data.connections'::regclass and attnum > 0 and not attisdropped and attname <> 'connection_id'`,
    )
    const names = String(columns[0]?.names)
    await sql(
      `insert into mcp_data.connections (connection_id, ${names})
       select left(md5(n::text || $1), 22), ${names} from mcp_data.connections, generate_series(1, 60) n where connection_id = $1`,
      [id],
    )
    const first = await visitor.open('/account')
    expect(countOf(first.text, 'class="item"')).toBe(50)
    const next = /href="(\/account\?after=[^"]+)"/.exec(first.text)?.[1] ?? ''
    const second = await visitor.open(next)
    expect([countOf(second.text, 'class="item"'), second.text.includes('?after=')]).toEqual([11, false])
    expect((await visitor.open('/account?after=x')).status).toBe(400)
  })
})

describe('ending connections', () => {
  it('B31 ends one, and the next introspection and the next refresh know it', async () => {
    const { visitor, id, access_token, refresh_token } = await connected()
    expect(await isActive(owner, access_token)).toBe(true)
    const answer = await end(visitor, await visitor.open('/account'), { connection: id, extent: 'one' })
    expect([answer.status, answer.location?.href]).toEqual([303, `${issuer}/account?done=disconnected`])
    expect((await visitor.follow(answer)).text).toContain('role="status"')
    expect(await isActive(owner, access_token)).toBe(false)
    expect((await refresh(refresh_token)).json?.error).toBe('invalid_grant')
  })

  it('ends all of a client, all of a server, and everything', async () => {
    const other = await openServer()
    const visitor = meetVisitor()
    const [first, second] = [await connected(visitor), await connected(visitor)]
    const there = await connect(other, {}, visitor)
    const page = await visitor.open(first.page)
    expect(page.text).toContain('Disconnect <bdi class="name">Claude Code</bdi> everywhere (3)')
    await end(visitor, page, { extent: 'server' })
    expect(await isActive(owner, second.access_token)).toBe(false)
    expect(await isActive(other, there.access_token)).toBe(true)
    await end(visitor, await visitor.open(`/account/connections/${connectionIdOf(there)}`), { extent: 'client' })
    expect(await isActive(other, there.access_token)).toBe(false)
    const again = [await connected(visitor), await connected(visitor)]
    await end(visitor, await visitor.open('/account'), { extent: 'all' })
    for (const { access_token } of again) expect(await isActive(owner, access_token)).toBe(false)
    expect((await visitor.open('/account')).text).toContain('Nothing is connected.')
  })

  it('ends nothing of another person', async () => {
    const victim = await connected()
    const { visitor } = await connected()
    const answer = await end(visitor, await visitor.open('/account'), { connection: victim.id, extent: 'client' })
    expect([answer.status, answer.text.includes('connection_not_found')]).toEqual([404, true])
    expect(await isActive(owner, victim.access_token)).toBe(true)
  })

  it('refuses an extent and an id that no page has', async () => {
    const { visitor, id } = await connected()
    const page = await visitor.open('/account')
    for (const fields of [{ extent: 'everything' }, { extent: 'one', connection: '../x' }, { extent: '' }]) {
      expect((await end(visitor, page, { connection: id, ...fields })).status).toBe(400)
    }
  })
})

describe('one connection', () => {
  it('of a link that was cut off is not there, and leads to the others', async () => {
    const { visitor, page } = await connected()
    const { status, text } = await visitor.open(page.slice(0, -3))
    expect([status, text]).toEqual([404, expect.stringContaining('href="/account"')])
    expect(text).toContain('connection_not_found')
  })

  it('B31 shows program and proof, server, where answers go, what is shared, when and from where', async () => {
    const visitor = meetVisitor()
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const { id } = await connected(visitor)
    await sql("update mcp_data.connections set user_agent = $2, country = 'CH' where connection_id = $1", [id, firefox])
    const { text } = await visitor.open(`/account/connections/${id}`)
    for (const shown of [
      'registered with',
      'localhost:51004',
      'your e-mail address, a random number',
      'from Firefox on Linux, Switzerland',
      'List and read files.',
    ]) {
      expect(text).toContain(shown)
    }
  })

  it('narrows at once: the next introspection answers less, and a refresh brings nothing back', async () => {
    const { visitor, page, access_token, refresh_token } = await connected()
    const scopesNow = async (token: string) => (await introspect(owner, token)).json?.scope
    expect(await scopesNow(access_token)).toBe('files:read files:write openid')
    const answer = await visitor.submit(await visitor.open(page), narrowPath, { scope: [] })
    expect(answer.location?.pathname).toBe(page)
    expect((await visitor.follow(answer)).text).toContain('Changed. It counts from now on.')
    expect(await scopesNow(access_token)).toBe('files:read openid')
    const next = tokensOf(await refresh(refresh_token))
    expect(next.scope).toBe('files:read openid')
    expect(await scopesNow(next.access_token)).toBe('files:read openid')
    expect(tokensOf(await refresh(next.refresh_token, { scope: 'files:read files:write' })).scope).toBe('files:read')
  })

  it('ends where nothing of the server is left', async () => {
    const free = await openServer(['a', 'b'])
    const made = await connect(free, { scope: 'a b' })
    const page = `/account/connections/${connectionIdOf(made)}`
    const answer = await made.visitor.submit(await made.visitor.open(page), narrowPath, { scope: [] })
    expect(answer.location?.href).toBe(`${issuer}/account?done=disconnected`)
    expect(await isActive(free, made.access_token)).toBe(false)
  })

  it('B32 gives nothing that was not granted', async () => {
    const { visitor, page, access_token } = await connected()
    const answer = await visitor.submit(await visitor.open(page), narrowPath, {
      scope: ['files:write', 'files:delete'],
    })
    expect([answer.status, answer.text.includes('scope_not_granted')]).toEqual([400, true])
    expect((await introspect(owner, access_token)).json?.scope).toBe('files:read files:write openid')
  })

  it('says that one is on hold whose client has changed (SECURITY §24)', async () => {
    const { visitor, id, page } = await connected()
    await sql('update mcp_data.connections set suspended_at = now() where connection_id = $1', [id])
    expect((await visitor.open('/account')).text).toContain('On hold:')
    expect((await visitor.open(page)).text).toContain('On hold:')
  })
})

describe('/account/sessions', () => {
  it('B9 lists where somebody is signed in, and ends one or all others', async () => {
    const { visitor } = await connected()
    const others = [await elsewhere(visitor), await elsewhere(visitor)]
    const page = await visitor.open('/account/sessions')
    expect([countOf(page.text, 'class="item"'), countOf(page.text, 'this browser')]).toEqual([3, 1])
    await visitor.submit(page, '/account/sessions/end', { extent: 'one' })
    expect(countOf((await visitor.open('/account/sessions')).text, 'class="item"')).toBe(2)
    const done = await visitor.follow(await visitor.submit(page, '/account/sessions/end', { extent: 'others' }))
    expect([countOf(done.text, 'class="item"'), done.text.includes('Signed out there.')]).toEqual([1, true])
    for (const other of others) expect((await other.open('/account')).location?.pathname).toBe('/sign-in')
  })

  it('refuses an extent and an id that no page has', async () => {
    const { visitor } = await connected()
    await elsewhere(visitor)
    const page = await visitor.open('/account/sessions')
    for (const fields of [{ extent: 'all' }, { extent: 'one', session: 'x' }]) {
      expect((await visitor.submit(page, '/account/sessions/end', fields)).status).toBe(400)
    }
  })
})

describe('/account/activity', () => {
  it('tells what happened in words, with names and without a secret', async () => {
    const { visitor, access_token } = await connected()
    const { text } = await visitor.open('/account/activity')
    for (const told of ['Program connected', 'You allowed a program', 'Signed in', 'Claude Code', 'Team files']) {
      expect(text).toContain(told)
    }
    expect(text).not.toContain(access_token.slice(-20))
    expect((await visitor.open('/account/activity?before=x')).status).toBe(400)
  })
})

describe('/account/data', () => {
  it('gives all of it as one JSON file, kept by no cache', async () => {
    const { visitor, id } = await connected()
    const { headers, text } = await visitor.open('/account/data/download')
    expect(headers.get('content-disposition')).toContain('attachment')
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([
      'application/json; charset=utf-8',
      'no-store',
    ])
    const own = JSON.parse(text) as { account: { email: string }; connections: { connection_id: string }[] }
    expect(own.account.email).toBe(visitor.email)
    expect(own.connections.map(({ connection_id }) => connection_id)).toEqual([id])
    expect(text).not.toMatch(/digest|ciphertext|mrt_|mac_/)
  })
})

describe('/account/delete', () => {
  const age = ({ email }: Visitor) =>
    sql(
      `update mcp_data.sessions set auth_time = auth_time - interval '16 minutes'
       where account_id = (select account_id from mcp_data.accounts where email = $1)`,
      [email],
    )

  it('M18 deletes account, sessions and connections at once', async () => {
    const { visitor, access_token, refresh_token } = await connected()
    const done = await visitor.submit(await visitor.open('/account/delete'), '/account/delete', { confirm: 'yes' })
    expect([done.status, done.text.includes('Your account is deleted')]).toEqual([200, true])
    expect(visitor.cookies.has('session')).toBe(false)
    expect(await isActive(owner, access_token)).toBe(false)
    expect((await refresh(refresh_token)).json?.error).toBe('invalid_grant')
    expect(await sql('select from mcp_data.accounts where email = $1', [visitor.email])).toEqual([])
  })

  it('needs the tick, and keeps everything without it', async () => {
    const { visitor, access_token } = await connected()
    const page = await visitor.submit(await visitor.open('/account/delete'), '/account/delete')
    expect([page.status, page.text.includes('Tick the box')]).toEqual([400, true])
    expect(await isActive(owner, access_token)).toBe(true)
  })

  it('J22 asks for a fresh sign-in, before the page and again at the act', async () => {
    const { visitor, access_token } = await connected()
    const page = await visitor.open('/account/delete')
    await age(visitor)
    const act = await visitor.submit(page, '/account/delete', { confirm: 'yes' })
    for (const answer of [act, await visitor.open('/account/delete')]) {
      expect(answer.location?.href).toBe(`${issuer}/sign-in?return_to=%2Faccount%2Fdelete&fresh=yes`)
    }
    expect(await isActive(owner, access_token)).toBe(true)
  })
})

describe('/sign-out', () => {
  it('B9 signs out everywhere: every session of the account ends', async () => {
    const { visitor } = await connected()
    const other = await elsewhere(visitor)
    expect((await other.open('/account')).status).toBe(200)
    await visitor.submit(await visitor.open('/sign-out'), '/sign-out', { everywhere: 'yes' })
    for (const one of [visitor, other]) expect((await one.open('/account')).location?.pathname).toBe('/sign-in')
  })
})

describe('forms of the account', () => {
  const forms = [
    ['/account', revokePath],
    ['/account/sessions', '/account/sessions/end'],
    ['/account/delete', '/account/delete'],
  ] as const

  it.each(forms)(
    'B3 of %s are refused without their token, from elsewhere, and with one of another purpose',
    async (path, action) => {
      const { visitor, access_token } = await connected()
      await elsewhere(visitor)
      const page = await visitor.open(path)
      const hidden = hiddenFields(page, action)
      expect(hidden?.get('csrf')).toMatch(/^[\w-]{43}$/)
      const fields = { extent: 'all', confirm: 'yes', csrf: hidden?.get('csrf') ?? '' }
      const signOut = hiddenFields(await visitor.open('/sign-out'), '/sign-out')?.get('csrf') ?? ''
      for (const csrf of ['', 'x', signOut]) {
        expect((await visitor.post(action, new URLSearchParams({ ...fields, csrf }))).status).toBe(403)
      }
      const other = await connected()
      expect((await other.visitor.post(action, new URLSearchParams(fields))).status).toBe(403)
      for (const headers of [
        { origin: 'https://evil.example' },
        { 'sec-fetch-site': 'cross-site' },
        { 'content-type': 'text/plain' },
      ]) {
        expect((await visitor.post(action, new URLSearchParams(fields), headers)).status).toBe(403)
      }
      expect(await isActive(owner, access_token)).toBe(true)
      expect((await visitor.open('/account')).status).toBe(200)
    },
  )

  it('B12 of a session that has ended since are out of date, with a way on', async () => {
    const { visitor } = await connected()
    const page = await visitor.open('/account')
    await visitor.submit(await visitor.open('/sign-out'), '/sign-out')
    const answer = await visitor.submit(page, revokePath, { extent: 'all' })
    expect([answer.status, answer.text.includes('href="/account"')]).toEqual([403, true])
  })
})
