import { type Answer, meetVisitor, type Visitor } from '../../worker/visitor.ts'
import { type Authenticator, askedOf, newAuthenticator } from './authenticator.ts'
import { sql } from './sql.ts'

export const addPage = '/account/passkeys/add'

/** Opens the page on which a passkey is made, signing in where that is asked for. */
export async function openAddPage(visitor: Visitor): Promise<Answer> {
  const page = await visitor.open(addPage)
  return page.location === null ? page : visitor.signIn(await visitor.follow(page))
}

/** Makes a passkey on the page that is shown. */
export async function makePasskey(visitor: Visitor, page: Answer, authenticator: Authenticator): Promise<Answer> {
  return visitor.submit(page, addPage, { name: 'Laptop', credential: await authenticator.create(askedOf(page)) })
}

/** Somebody who has a passkey, and the authenticator it is on. */
export async function passkeyOwner(): Promise<{ visitor: Visitor; authenticator: Authenticator }> {
  const visitor = meetVisitor()
  const authenticator = await newAuthenticator()
  const added = await makePasskey(visitor, await openAddPage(visitor), authenticator)
  if (added.status !== 303) throw new Error(`adding a passkey answered ${added.status}: ${added.text.slice(0, 400)}`)
  return { visitor, authenticator }
}

/** As if the person's first passkey had been made long enough ago: from then on a code removes none. */
export async function settlePasskeys({ email }: Visitor): Promise<void> {
  await sql(
    `update mcp_data.passkeys set settles_at = now()
     where account_id = (select account_id from mcp_data.accounts where email = $1)`,
    [email],
  )
}

/** As if the wait for the removal of lost passkeys were over. */
export async function passWait({ email }: Visitor, wait = '73 hours'): Promise<void> {
  await sql(
    `update mcp_data.lost_passkeys set reported_at = reported_at - $2::interval, removable_at = removable_at - $2::interval,
       lapses_at = lapses_at - $2::interval where account_id = (select account_id from mcp_data.accounts where email = $1)`,
    [email, wait],
  )
}

/** The page on which one more passkey is made, by somebody who has one: signed in with it. */
export async function openAddPageByPasskey(visitor: Visitor, authenticator: Authenticator): Promise<Answer> {
  const asked = await visitor.follow(await visitor.open(addPage))
  return visitor.follow(await usePasskey(visitor, asked, authenticator))
}

/** Answers the sign-in page that is shown with a passkey. */
export async function usePasskey(visitor: Visitor, page: Answer, authenticator: Authenticator): Promise<Answer> {
  return visitor.submit(page, '/sign-in/passkey', { credential: await authenticator.get(askedOf(page)) })
}
