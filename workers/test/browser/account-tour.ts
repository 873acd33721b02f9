import type { Page } from 'playwright-core'
import { type Guest, type Stage, visitPath } from './stage.ts'

/** The account's own pages, with something to see on each. */
export async function* lookingAround(stage: Stage, guest: Guest): AsyncGenerator<string> {
  const { page } = guest
  await furnish(stage, guest)
  await visitPath(stage, page, '/account')
  yield 'account'
  await page.locator('.item-actions a').first().click()
  await page.locator('summary').click()
  yield 'account-connection'
  await visitPath(stage, page, '/account/sessions')
  yield 'account-sessions'
  yield* havingPasskeys(stage, guest)
  await visitPath(stage, page, '/account/activity')
  yield 'account-activity'
  await visitPath(stage, page, '/account/data')
  yield 'account-data'
  await visitPath(stage, page, '/account/delete')
  yield 'account-delete'
  await age(stage, '1 hour')
  await visitPath(stage, page, '/account/delete')
  yield 'sign-in-confirm'
  await age(stage, '-1 hour')
}

async function* havingPasskeys(stage: Stage, { page, email }: Guest): AsyncGenerator<string> {
  await visitPath(stage, page, '/account/passkeys')
  yield 'account-passkeys-empty'
  await visitPath(stage, page, '/account/passkeys/add')
  await page.locator('#name').waitFor({ state: 'visible' })
  yield 'account-passkey-add'
  await stage.stack.query(
    `insert into mcp_data.passkeys (passkey_id, account_id, credential_id, public_key, sign_count, is_backup_eligible, is_backed_up,
       name, created_at, last_used_at)
     select 'pky_' || left(md5(email || n), 12), account_id, md5(email || n), '\\x00', 0, n = 1, n = 1,
       case n when 1 then 'Phone' else 'Key on my key ring' end, now() - make_interval(days => 40 - n),
       case n when 1 then now() - interval '3 hours' end
     from mcp_data.accounts, generate_series(1, 2) n where email = $1`,
    [email],
  )
  await visitPath(stage, page, '/account/passkeys')
  await page.locator('summary').first().click()
  yield 'account-passkeys'
  yield* losingPasskeys(stage, page)
}

/** A first passkey that a code still removes, one that guards the account, and those that are said to be lost. */
async function* losingPasskeys(stage: Stage, page: Page): AsyncGenerator<string> {
  const settle = (moment: string) => stage.stack.query(`update mcp_data.passkeys set settles_at = ${moment}`, [])
  await settle("now() + interval '2 days'")
  await visitPath(stage, page, '/account/passkeys')
  yield 'account-passkeys-new'
  await settle('now()')
  await visitPath(stage, page, '/account/passkeys/add')
  await page.locator('form[data-passkey] button').waitFor({ state: 'visible' })
  yield 'sign-in-passkey-own'
  await visitPath(stage, page, '/account/passkeys')
  await page.locator('button[value="report"]').click()
  await page.locator('button[value="keep"]').waitFor()
  yield 'account-passkeys-lost'
  await stage.stack.query(
    `update mcp_data.lost_passkeys set reported_at = reported_at - interval '4 days', removable_at = removable_at - interval '4 days'`,
    [],
  )
  await visitPath(stage, page, '/account/passkeys')
  await page.locator('button[value="remove"]').waitFor()
  yield 'account-passkeys-removable'
}

/** What is left when everything is ended, and the end of the account itself. */
export async function* leaving(stage: Stage, { page }: Guest): AsyncGenerator<string> {
  await visitPath(stage, page, '/account')
  await page.locator('summary').click()
  await page.locator('button[value="all"]').click()
  await page.locator('.empty').waitFor()
  yield 'account-empty'
  await visitPath(stage, page, '/account/delete')
  await page.locator('#confirm').check()
  await page.locator('form button').click()
  await page.locator('nav').waitFor({ state: 'detached' })
  yield 'account-deleted'
}

async function age({ stack }: Stage, span: string): Promise<void> {
  await stack.query('update mcp_data.sessions set auth_time = auth_time - $1::interval', [span])
}

/** Connections of other kinds and of other days, and a second session: what nobody makes by clicking in one moment. */
async function furnish({ stack }: Stage, { email }: Guest): Promise<void> {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
  await stack.query(
    `insert into mcp_data.sessions (session_digest, session_kid, account_id, auth_time, auth_method, expires_at, last_used_at,
       user_agent, country)
     select sha256(convert_to(email, 'UTF8')), 'k', account_id, now() - interval '26 hours', 'email_code',
       now() + interval '5 days', now() - interval '3 hours', $2, 'CH' from mcp_data.accounts where email = $1`,
    [email, firefox],
  )
  for (const { client, used, suspended, scopes } of others) {
    // A copy of a real one: only what the page shows differs.
    await stack.query(
      `insert into mcp_data.connections select r.* from mcp_data.connections c join mcp_data.accounts a using (account_id),
         jsonb_populate_record(c, jsonb_build_object('connection_id', left(md5($2 || c.connection_id), 22), 'client_id', $2,
           'client', c.client || $3::jsonb, 'last_used_at', now() - $4::interval, 'country', 'CH', 'scopes', to_jsonb($5::text[]),
           'suspended_at', case when $6 then now() end)) r
       where a.email = $1 and c.code_redeemed_at is not null and c.client_kind = 'pre_registered' limit 1`,
      [email, client.client_id, JSON.stringify(client), used, scopes, suspended],
    )
  }
}

const others = [
  {
    client: { client_id: 'dcr_notes', kind: 'dynamic', client_name: 'Notes' },
    used: '5 hours',
    suspended: false,
    scopes: ['files:read', 'files:write', 'files:delete'],
  },
  {
    client: {
      client_id: 'https://reports.example.com/client',
      kind: 'metadata_document',
      client_name: 'Quarterly Reports',
    },
    used: '9 days',
    suspended: true,
    scopes: ['files:read'],
  },
]
