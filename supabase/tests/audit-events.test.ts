import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { testDatabase } from './support/database.ts'
import { digest } from './support/values.ts'

const database = await testDatabase()
const folder = new URL('../schemas/functions/', import.meta.url)
// What owners are told of has names of its own.
const names = (await readdir(folder)).filter((name) => name !== 'webhook-event.sql')
const files = await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))

/** Those of SECURITY §28, those of people and owners in control, and those of operators. `client.registered` has no caller and is a log line. */
const events = [
  'code.sent code.failed session.created session.ended consent.granted consent.denied consent.narrowed',
  'authorization_code.redeemed authorization_code.replayed pkce.failed refresh.rotated refresh.retried refresh.reused',
  'connection.revoked client.metadata_changed client.blocked server.registered server.verified server.contested',
  'server.suspended scopes.changed key.created key.revoked key.refused management.denied limit.hit',
  'authorization.failed account.deleted server.offered server.accepted server.declined client.allowed client.rule_removed',
  'personal_token.created personal_token.revoked webhook.created webhook.deleted key.expiring document.fetch_failed',
  'account.disabled account.enabled account.exported operator.client_added operator.client_blocked operator.client_unblocked',
  'operator.epoch_raised operator.key_added operator.key_dropped operator.key_used operator.server_resumed',
  'operator.switch_turned server.transferred passkey.added passkey.removed passkey.failed',
  'passkey.removal_requested passkey.removal_cancelled',
  'identity.linked identity.removed',
].flatMap((line) => line.split(' '))

test('every event of the security model is written by a function, and no other (SECURITY §28)', () => {
  const text = files.join('\n').replaceAll(/^--.*$/gm, '')
  const written = [...text.matchAll(/'([a-z_]+\.[a-z_]+)'/g)]
    .map(([, name = '']) => name)
    .filter((name) => !/^mcp|regclass/.test(name))
  expect([...new Set(written)].sort()).toEqual([...events].sort())
})

test('M12 blocking a client leaves an event, by whichever row it is done', async () => {
  await database.query('insert into mcp_data.blocked_clients (client_id_digest, reason) values ($1, $2)', [
    digest('https://bad.example/client'),
    'abuse',
  ])
  await database.query(
    "update mcp_data.clients set blocked_at = now(), blocked_reason = 'stolen' where client_id = 'client_install_mcp'",
  )
  await database.query("update mcp_data.clients set blocked_at = now() where client_id = 'client_install_mcp'")
  const rows = await database.query(
    "select reason, client_id, detail from mcp_data.audit_events where event = 'client.blocked' order by occurred_at",
  )
  expect(rows).toEqual([
    { reason: 'abuse', client_id: null, detail: { client_id_digest: digest('https://bad.example/client') } },
    { reason: 'stolen', client_id: 'client_install_mcp', detail: {} },
  ])
})

test('M13 events are in the partition of their month, and every month ahead has one', async () => {
  await database.query("insert into mcp_data.audit_events (event) values ('code.sent')")
  const rows = await database.query(
    `select distinct tableoid::regclass::text = 'mcp_data.audit_events_' || to_char(occurred_at at time zone 'UTC', 'YYYY_MM') as own
     from mcp_data.audit_events`,
  )
  expect(rows).toEqual([{ own: true }])
})
