import { approve, authorizeUrl, type Guest, redeem, type Stage } from './stage.ts'

const proofSeen =
  'We fetched https://files.example.com/.well-known/oauth-protected-resource/mcp: status 404, expected 200. We asked for TXT _auth-agent.files.example.com: no answer'

/** The owner's pages, with a server that people use: made by the forms themselves. */
export async function* runningServers(stage: Stage, guest: Guest): AsyncGenerator<string> {
  const { page, email } = guest
  const { issuer } = stage.stack
  const opened = async (path: string) => void (await page.goto(new URL(path, issuer).href))
  // By what a button means: its words are those of the visitor’s language.
  const press = async (act: string) => {
    await page.locator(`button[name="act"][value="${act}"]`).first().click()
    await page.waitForLoadState('load')
  }
  await opened('/dashboard')
  yield 'dashboard-empty'
  const resource = `http://localhost:9401/${crypto.randomUUID()}/mcp`
  await page.locator('#url').fill(resource)
  await page.locator('#name').fill('Team files')
  await page.locator('#scope').fill('files:read')
  await press('register')
  const server = new URL(page.url()).pathname
  yield 'dashboard-registered'
  await unprove(stage, resource)
  await opened(server)
  yield 'dashboard-server'
  await press('check')
  yield 'dashboard-check'
  await opened(`${server}/keys`)
  await page.locator('#name').fill('production')
  await press('create_key')
  yield 'dashboard-keys'
  await page.goto(authorizeUrl(stage, resource, { scope: 'files:read' }))
  await approve(page)
  await redeem(stage, page)
  await furnish(stage, resource)
  for (const tab of ['clients', 'usage', 'authorizations', 'events', 'webhooks']) {
    await opened(`${server}/${tab}`)
    yield `dashboard-${tab}`
  }
  await opened(`${server}/authorizations?reference=req_4fTq0Zc8RkW2mVbX`)
  yield 'dashboard-timeline'
  await opened(`${server}/events?event=key.revoked`)
  yield 'dashboard-events-none'
  await opened('/dashboard/tokens')
  await page.locator('#name').fill('CI')
  await press('create_token')
  yield 'dashboard-tokens'
  await offerTo(stage, email)
  await opened('/dashboard')
  yield 'dashboard'
  await opened('/docs')
  yield 'docs'
}

/** As if its proof had stopped standing a day ago. */
async function unprove({ stack }: Stage, resource: string): Promise<void> {
  await stack.query(
    `update mcp_data.servers set proof_method = 'document', proof_checked_at = now() - interval '3 hours',
       proof_failing_since = now() - interval '1 day', proof_seen = $2 where server_url = $1`,
    [resource, proofSeen],
  )
}

/** As if somebody had registered a server in this person's name. */
async function offerTo({ stack }: Stage, email: string): Promise<void> {
  await stack.query(
    `insert into mcp_data.servers (server_id, server_url, server_name, scopes, scope_names, status, offered_to_email)
     values ('srv_' || rpad(md5($1), 22, '0'), 'https://calendar.example.com/mcp', 'Calendar', '[]', '{}', 'pending', $1)`,
    [email],
  )
}

/** Other days of use, a rule, a refusal and a webhook with its messages: what takes weeks to come by. */
async function furnish({ stack }: Stage, resource: string): Promise<void> {
  const ofServer = '(select server_id from mcp_data.servers where server_url = $1)'
  await stack.query(
    `insert into mcp_data.usage_days (server_id, day, client_id_digest, shard, connected, used, refreshed, active_minutes)
     select server_id, day - n, client_id_digest, 0, n % 3, 4 + (n * 7) % 11, n, 30 + (n * 13) % 60
     from mcp_data.usage_days, generate_series(1, 24) n where server_id = ${ofServer}`,
    [resource],
  )
  await stack.query(
    `insert into mcp_data.usage_days (server_id, day, client_id_digest, shard, connected, used, refreshed, active_minutes)
     select ${ofServer}, current_date - n, c.client_id_digest, 0, n % 2, (n * 5) % 7, 1, 12
     from generate_series(0, 9) n, (select sha256('client_install_mcp') as client_id_digest) c`,
    [resource],
  )
  await stack.query(
    `insert into mcp_data.usage_clients (server_id, client_id_digest, client_id, client_name, client_kind)
     select ${ofServer}, sha256('client_install_mcp'), 'client_install_mcp', 'Install MCP', 'pre_registered'`,
    [resource],
  )
  await stack.query(
    `update mcp_data.connections set refused_at = now(), refused_step = 'introspection', refused_reason = 'client_not_allowed',
       refused_request_id = 'req_4fTq0Zc8RkW2mVbX' where server_id = ${ofServer}`,
    [resource],
  )
  await stack.query(
    `insert into mcp_data.server_client_rules (rule_id, server_id, effect, host, subject_digest)
     values ('rul_' || substr(md5($1), 1, 12), ${ofServer}, 'block', 'app.example.com', sha256('x'))`,
    [resource],
  )
  await stack.query(
    `with hook as (insert into mcp_data.webhooks (webhook_id, server_id, url, kid, events)
       values ('whk_' || substr(md5($1), 1, 12), ${ofServer}, 'https://hooks.example.com/auth-agent', 'k',
         array['connection.made', 'theft.suspected', 'proof.failing'])
       returning webhook_id)
     insert into mcp_data.webhook_messages (webhook_id, payload, attempts, next_attempt_at, delivered_at, last_seen)
     select webhook_id, jsonb_build_object('type', m.type), m.attempts, m.next, m.delivered, m.seen
     from hook, (values ('connection.made', 1, null, now(), 'status 204'), ('proof.failing', 8, null, null, 'status 500'),
       ('theft.suspected', 3, now() + interval '30 minutes', null, 'status 503')) m (type, attempts, next, delivered, seen)`,
    [resource],
  )
}
