import { beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/crypto/digest.ts'
import { toBytea } from '../../src/crypto/encoding.ts'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, type Registered, registerServer } from '../worker/requests.ts'
import { hiddenFields, meetVisitor, type Visitor } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const open = (visitor: Visitor) => visitor.open(authorizeUrl({ resource: server.server_url }))
const isAskedToSignIn = async (visitor: Visitor) => hiddenFields(await open(visitor), '/sign-in') !== undefined

async function meetSignedIn(): Promise<Visitor> {
  const visitor = meetVisitor()
  await visitor.signIn(await open(visitor))
  return visitor
}

const ofPerson = `account_id = (select account_id from mcp_data.accounts where email = $1)`
const age = (visitor: Visitor, assignment: string) =>
  sql(`update mcp_data.sessions set ${assignment} where ${ofPerson}`, [visitor.email])

describe('sessions', () => {
  it('B8 cannot be made by somebody who writes the database but has no pepper (OWASP ASVS 7.2.3)', async () => {
    const visitor = await meetSignedIn()
    const forged = 'f'.repeat(43)
    await age(visitor, `session_digest = '${toBytea(await sha256(forged))}'`)
    visitor.cookies.set('session', forged)
    expect(await isAskedToSignIn(visitor)).toBe(true)
  })

  it('B9 end after 12 hours without use', async () => {
    const visitor = await meetSignedIn()
    await age(visitor, "last_used_at = now() - interval '11 hours 59 minutes'")
    expect(await isAskedToSignIn(visitor)).toBe(false)
    await age(visitor, "last_used_at = now() - interval '12 hours 1 minute'")
    expect(await isAskedToSignIn(visitor)).toBe(true)
  })

  it('B9 end after 7 days, however much they are used', async () => {
    const visitor = await meetSignedIn()
    const [session] = await sql(
      `select extract(epoch from expires_at - created_at) / 86400 as days from mcp_data.sessions where ${ofPerson}`,
      [visitor.email],
    )
    expect(Number(session?.days)).toBe(7)
    await age(visitor, "created_at = now() - interval '8 days', expires_at = now() - interval '1 second'")
    expect(await isAskedToSignIn(visitor)).toBe(true)
  })

  it('C20 make no account before a code was right', async () => {
    const visitor = meetVisitor()
    await visitor.submit(await open(visitor), '/sign-in', { email: visitor.email })
    expect(await sql('select from mcp_data.accounts where email = $1', [visitor.email])).toEqual([])
  })

  it('C13 keep no code that could be tried against the row alone', async () => {
    const visitor = meetVisitor()
    const page = await open(visitor)
    await visitor.submit(page, '/sign-in', { email: visitor.email })
    const code = await visitor.nextCode()
    const transaction = hiddenFields(page, '/sign-in')?.get('transaction') ?? ''
    const text = "select encode(code_digest, 'hex') as digest from mcp_data.email_challenges where transaction_id = $1"
    const [row] = await sql(text, [transaction])
    const plain = await Promise.all([code, `${transaction}.${code}`, `email_code\0${transaction}.${code}`].map(sha256))
    expect(plain.map((bytes) => toBytea(bytes).slice(2))).not.toContain(row?.digest)
  })
})
