import { sql } from '../support/worker/sql.ts'
import { newServerUrl } from './api-requests.ts'
import { type Answer, meetVisitor, type Visitor } from './visitor.ts'

/** Somebody who is signed in and looks at the dashboard. */
export async function signedIn(visitor = meetVisitor()): Promise<Visitor> {
  const asked = await visitor.open('/dashboard')
  const code = await visitor.follow(
    await visitor.submit(await visitor.follow(asked), '/sign-in', { email: visitor.email }),
  )
  await visitor.follow(await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() }))
  return visitor
}

/** An owner with one server, made by the form of the dashboard. */
export async function ownerOf(more: Record<string, string> = {}) {
  const visitor = await signedIn()
  const fields = { act: 'register', url: newServerUrl(), name: 'Team files', scope: 'files:read', ...more }
  const answer = await visitor.submit(await visitor.open('/dashboard'), '/dashboard', fields)
  if (answer.status !== 303) throw new Error(answer.text)
  const path = answer.location?.pathname ?? ''
  const at = (tab = '') => `${path}${tab === '' ? '' : `/${tab}`}`
  const act = async (tab: string, fields: Record<string, string | readonly string[]>): Promise<Answer> =>
    visitor.submit(await visitor.open(at(tab)), at(tab), fields)
  return { visitor, path, server_id: path.slice('/dashboard/servers/'.length), url: fields.url, at, act }
}

export const accountOf = async ({ email }: Visitor) =>
  String((await sql('select account_id from mcp_data.accounts where email = $1', [email]))[0]?.account_id)
/** As if the sign-in were an hour old. */
export const growStale = async (visitor: Visitor) =>
  sql("update mcp_data.sessions set auth_time = auth_time - interval '1 hour' where account_id = $1", [
    await accountOf(visitor),
  ])
/** The one secret that an answer shows. */
export const secretIn = ({ text }: Answer) => /<code class="secret">([^<]+)<\/code>/.exec(text)?.[1] ?? ''
