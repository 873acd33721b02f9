import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { newWebhookId } from '../crypto/random.ts'
import { mintApiKey, mintPersonalToken } from '../crypto/secret-format.ts'
import { webhookSecret } from '../crypto/webhook-signature.ts'
import { refused } from '../protocol/errors.ts'
import type { parsePersonalTokenRequest } from '../protocol/owner-requests.ts'
import type { parseKeyRequest } from '../protocol/server-registration.ts'
import type { parseWebhookRequest } from '../protocol/webhook-request.ts'
import { createKey } from '../store/keys.ts'
import { createPersonalToken } from '../store/personal-tokens.ts'
import type { Caller } from '../store/servers.ts'
import { createWebhook } from '../store/webhooks.ts'
import { changeFacts } from './change-facts.ts'
import type { Repeatable } from './idempotency.ts'
import { tellOwner } from './owner-mail.ts'

// What an owner makes with a secret, by /api and on the dashboard alike. The secret is seen this one time (THREATS J5): a
// repeated request sees what it saw, or `secret` is undefined where that could not be drawn again.

type Asked<Request> = {
  readonly caller: Caller
  readonly request: Request
  readonly repeatable: Repeatable | undefined
}
type OfServer = { readonly server_id: string }

/** @throws OAuthError idempotency_key_reused */
export async function makeKey(
  c: Context<AppEnv>,
  { server_id, caller, request, repeatable }: OfServer & Asked<ReturnType<typeof parseKeyRequest>>,
) {
  const { limits, tokenPeppers } = c.var.config
  const { name, expires_in } = request
  const { key_id, key_secret, last_four, digest, kid } = await mintApiKey(tokenPeppers, repeatable?.request)
  const created = await createKey(c.var.store, {
    p_server_id: server_id,
    p_caller: caller,
    p_key: { key_id, digest, kid, name, last_four, expires_in_seconds: expires_in },
    p_limits: { keys: limits.keys, writes_per_hour: limits.writes_per_hour },
    p_idempotency: repeatable?.idempotency ?? null,
    p_request: c.var.requestFacts,
  })
  if (created.outcome === 'idempotency_mismatch') throw refused('idempotency_key_reused')
  if (created.outcome !== 'created') return created
  tellOwner(c, created.notice, 'key_created', { server_id, key_id })
  return { ...created, secret: created.secret_is_same ? key_secret : undefined }
}

/** @throws OAuthError idempotency_key_reused, token_may_not_mint */
export async function makePersonalToken(
  c: Context<AppEnv>,
  { caller, request, repeatable }: Asked<ReturnType<typeof parsePersonalTokenRequest>>,
) {
  const { limits, lifetimes, tokenPeppers } = c.var.config
  const { name, scopes, expires_in } = request
  const minted = await mintPersonalToken(tokenPeppers, repeatable?.request)
  const { token_id, personal_token, last_four, digest, kid } = minted
  const created = await createPersonalToken(c.var.store, {
    p_caller: caller,
    p_token: { token_id, digest, kid, name, last_four, scopes, expires_in_seconds: expires_in },
    p_limits: {
      tokens: limits.personal_tokens,
      writes_per_hour: limits.writes_per_hour,
      fresh_seconds: lifetimes.fresh_sign_in_seconds,
    },
    p_idempotency: repeatable?.idempotency ?? null,
    p_request: c.var.requestFacts,
  })
  if (created.outcome === 'idempotency_mismatch') throw refused('idempotency_key_reused')
  if (created.outcome === 'not_allowed') throw refused('token_may_not_mint')
  if (created.outcome !== 'created') return created
  tellOwner(c, created.notice, 'personal_token_created', { token_id })
  return { ...created, secret: created.secret_is_same ? personal_token : undefined }
}

/** @throws OAuthError member_malformed for a URL that is never called */
export function checkWebhookUrl(c: Context<AppEnv>, url: string): void {
  const problem = c.var.strangerUrlProblem(url)
  if (problem !== undefined) throw refused('member_malformed', `url: ${problem}`)
}

/** @throws OAuthError idempotency_key_reused */
export async function makeWebhook(
  c: Context<AppEnv>,
  { server_id, caller, request, repeatable }: OfServer & Asked<ReturnType<typeof parseWebhookRequest>>,
) {
  const { registrationKeys } = c.var.config
  const [{ kid }] = registrationKeys
  const { url, events } = request
  const created = await createWebhook(c.var.store, {
    p_server_id: server_id,
    p_caller: caller,
    p_webhook: { webhook_id: newWebhookId(), url, kid, events },
    p_idempotency: repeatable?.idempotency ?? null,
    ...changeFacts(c),
  })
  if (created.outcome === 'idempotency_mismatch') throw refused('idempotency_key_reused')
  if (created.outcome !== 'created') return created
  return { ...created, secret: await webhookSecret(registrationKeys, created.kid, created.webhook.webhook_id) }
}
