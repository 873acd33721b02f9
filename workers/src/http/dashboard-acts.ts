import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { newRuleId } from '../crypto/random.ts'
import type { Done } from '../pages/dashboard-parts.tsx'
import { parseClientRule } from '../protocol/client-rule.ts'
import { refused } from '../protocol/errors.ts'
import { parseOfferRequest } from '../protocol/owner-requests.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { parseKeyRequest, parseServerChanges } from '../protocol/server-registration.ts'
import { parseWebhookRequest } from '../protocol/webhook-request.ts'
import { createClientRule, deleteClientRule } from '../store/client-rules.ts'
import { revokeKey } from '../store/keys.ts'
import { offerServer } from '../store/offers.ts'
import { revokeServerConnection } from '../store/server-activity.ts'
import { type Caller, deleteServer, updateServer } from '../store/servers.ts'
import { deleteWebhook, replayWebhookMessage } from '../store/webhooks.ts'
import { changeFacts } from './change-facts.ts'
import { scopesOf, secondsOf } from './dashboard-fields.ts'
import { repeatableForm } from './idempotency.ts'
import type { CallerRefusal } from './management-caller.ts'
import { checkWebhookUrl, makeKey, makeWebhook } from './owner-creations.ts'
import { tellOwner } from './owner-mail.ts'

/** What a form of a server's pages asks for. */
export type Asked = { readonly server_id: string; readonly caller: Caller; readonly fields: Parameters }

/** Done, and what to say of it; made, with a secret to be shown this once; or gone, when there is no server any more. */
export type ActOutcome =
  | { readonly outcome: 'done'; readonly done: Done }
  | { readonly outcome: 'made'; readonly secret: string | undefined }
  | { readonly outcome: 'gone' }
  | CallerRefusal

type Act = {
  /** Keys, scopes, other people and deletion need a sign-in of the last minutes (THREATS J22). */
  readonly freshness: 'any' | 'fresh'
  readonly run: (c: Context<AppEnv>, asked: Asked) => Promise<ActOutcome>
}

const told = (done: Done) => ({ outcome: 'done', done }) as const

async function addKey(c: Context<AppEnv>, { server_id, caller, fields }: Asked): Promise<ActOutcome> {
  const expires_in = secondsOf(fields.get('days'))
  const request = parseKeyRequest({ name: fields.get('name') ?? '', ...(expires_in !== undefined && { expires_in }) })
  const repeatable = await repeatableForm(c, caller, { once: fields.get('once'), body: request })
  const made = await makeKey(c, { server_id, caller, request, repeatable })
  return made.outcome === 'created' ? { outcome: 'made', secret: made.secret } : made
}

async function endKey(c: Context<AppEnv>, { server_id, caller, fields }: Asked): Promise<ActOutcome> {
  const key_id = fields.get('id') ?? ''
  const args = { p_server_id: server_id, p_key_id: key_id, p_caller: caller, p_request: c.var.requestFacts }
  const revoked = await revokeKey(c.var.store, args)
  if (revoked.outcome !== 'revoked') return revoked
  tellOwner(c, revoked.notice, 'key_revoked', { server_id, key_id })
  return told('revoked')
}

async function change(c: Context<AppEnv>, { server_id, caller }: Asked, body: object): Promise<ActOutcome> {
  const args = {
    p_server_id: server_id,
    p_caller: caller,
    p_changes: parseServerChanges(body),
    ...changeFacts(c),
  }
  const updated = await updateServer(c.var.store, args)
  if (updated.outcome !== 'updated') return updated
  tellOwner(c, updated.notice, 'scopes_grown', { server_id })
  return told('saved')
}

function saveSettings(c: Context<AppEnv>, asked: Asked): Promise<ActOutcome> {
  const { fields } = asked
  const lifetime = fields.get('token_lifetime_seconds')
  const minutes = fields.get('sign_in_max_age_minutes')
  return change(c, asked, {
    server_name: fields.get('server_name') ?? '',
    description: fields.get('description') ?? null,
    logo_url: fields.get('logo_url') ?? null,
    token_lifetime_seconds: lifetime === undefined ? null : Number(lifetime),
    share_email: fields.get('share_email') === 'yes',
    requires_passkey: fields.get('requires_passkey') === 'yes',
    sign_in_max_age_seconds: minutes === undefined ? null : Number(minutes) * 60,
  })
}

async function offer(c: Context<AppEnv>, { server_id, caller }: Asked, p_email: string | null): Promise<ActOutcome> {
  const args = { p_server_id: server_id, p_caller: caller, p_email, ...changeFacts(c) }
  const offered = await offerServer(c.var.store, args)
  if (offered.outcome === 'own_address') throw refused('offer_to_owner')
  if (offered.outcome === 'withdrawn') return told('withdrawn')
  if (offered.outcome !== 'offered') return offered
  tellOwner(c, offered.notice, 'server_offered', { server_id })
  return told('offered')
}

async function remove(c: Context<AppEnv>, { server_id, caller }: Asked): Promise<ActOutcome> {
  const args = { p_server_id: server_id, p_caller: caller, p_request: c.var.requestFacts }
  const deleted = await deleteServer(c.var.store, args)
  if (deleted.outcome !== 'deleted') return deleted
  tellOwner(c, deleted.notice, 'server_deleted', { server_id })
  return { outcome: 'gone' }
}

/** A host has a dot or is localhost; everything else that is typed is the id of a client. A button names the client itself. */
function ruleAbout(effect: 'allow' | 'block', fields: Parameters) {
  const client_id = fields.get('client_id')
  if (client_id !== undefined) return parseClientRule({ effect, client_id })
  const subject = fields.get('subject') ?? ''
  const isHost = /^(?:[a-z0-9-]+\.)+[a-z0-9-]+$|^localhost$/.test(subject)
  return parseClientRule({ effect, ...(isHost ? { host: subject } : { client_id: subject }) })
}

async function addRule(c: Context<AppEnv>, asked: Asked, effect: 'allow' | 'block'): Promise<ActOutcome> {
  const { server_id, caller, fields } = asked
  const rule = ruleAbout(effect, fields)
  const p_rule = { rule_id: newRuleId(), ...rule }
  const args = { p_server_id: server_id, p_caller: caller, p_rule, ...changeFacts(c) }
  const created = await createClientRule(c.var.store, args)
  if (created.outcome === 'rule_exists') throw refused('client_rule_exists')
  return created.outcome === 'created' ? told(effect === 'block' ? 'blocked' : 'allowed') : created
}

async function addWebhook(c: Context<AppEnv>, { server_id, caller, fields }: Asked): Promise<ActOutcome> {
  const request = parseWebhookRequest({ url: fields.get('url') ?? '', events: fields.all('event') })
  checkWebhookUrl(c, request.url)
  const { url, events } = request
  const repeatable = await repeatableForm(c, caller, { once: fields.get('once'), body: { url, events } })
  const made = await makeWebhook(c, { server_id, caller, request, repeatable })
  return made.outcome === 'created' ? { outcome: 'made', secret: made.secret } : made
}

type Simple = { readonly p_server_id: string; readonly p_caller: Caller }
type SimpleOutcome =
  | { readonly outcome: 'revoked' }
  | { readonly outcome: 'deleted' }
  | { readonly outcome: 'replayed' }
  | CallerRefusal

/** An act that is one call about the thing a form names, and what to say when it is done. */
function simply(
  done: Done,
  call: (c: Context<AppEnv>, server: Simple, id: string, fields: Parameters) => Promise<SimpleOutcome>,
): Act['run'] {
  return async (c, { server_id, caller, fields }) => {
    const made = await call(c, { p_server_id: server_id, p_caller: caller }, fields.get('id') ?? '', fields)
    return made.outcome === 'revoked' || made.outcome === 'deleted' || made.outcome === 'replayed' ? told(done) : made
  }
}

/** What the forms of a server's pages can ask for, by the value of their button. */
export const serverActs: Readonly<Record<string, Act>> = {
  create_key: { freshness: 'fresh', run: addKey },
  revoke_key: { freshness: 'fresh', run: endKey },
  settings: { freshness: 'any', run: saveSettings },
  scopes: { freshness: 'fresh', run: (c, asked) => change(c, asked, { scopes: scopesOf(asked.fields) }) },
  policy: {
    freshness: 'any',
    run: (c, asked) => change(c, asked, { client_policy: asked.fields.get('policy') ?? '' }),
  },
  block: { freshness: 'any', run: (c, asked) => addRule(c, asked, 'block') },
  allow: { freshness: 'any', run: (c, asked) => addRule(c, asked, 'allow') },
  remove_rule: {
    freshness: 'any',
    run: simply('removed', (c, server, p_rule_id) =>
      deleteClientRule(c.var.store, { ...server, p_rule_id, p_request: c.var.requestFacts }),
    ),
  },
  disconnect: {
    freshness: 'any',
    run: simply('disconnected', (c, server, p_connection_id) =>
      revokeServerConnection(c.var.store, { ...server, p_connection_id, p_request: c.var.requestFacts }),
    ),
  },
  create_webhook: { freshness: 'fresh', run: addWebhook },
  delete_webhook: {
    freshness: 'any',
    run: simply('removed', (c, server, p_webhook_id) =>
      deleteWebhook(c.var.store, { ...server, p_webhook_id, p_request: c.var.requestFacts }),
    ),
  },
  replay: {
    freshness: 'any',
    run: simply('sent', (c, server, p_message_id, fields) =>
      replayWebhookMessage(c.var.store, { ...server, p_webhook_id: fields.get('webhook') ?? '', p_message_id }),
    ),
  },
  offer: {
    freshness: 'fresh',
    run: (c, asked) => offer(c, asked, parseOfferRequest({ email: asked.fields.get('email') ?? '' }).email),
  },
  withdraw: { freshness: 'any', run: (c, asked) => offer(c, asked, null) },
  delete: { freshness: 'fresh', run: remove },
}
