import * as z from 'zod/mini'

// What the management API answers, for the document and for whoever reads it. The Worker makes its answers without these:
// schemathesis holds the two together.

const timestamp = z.iso.datetime()
const scope = z.strictObject({
  name: z.string(),
  description: z.string(),
  required: z.boolean(),
  default: z.boolean(),
})
const status = z.enum(['pending', 'verified', 'suspended'])
const proof = z.strictObject({
  method: z.optional(z.enum(['document', 'dns'])),
  checked_at: z.optional(timestamp),
  failing_since: z.optional(timestamp),
  seen: z.optional(z.string()),
})
const publicFacts = {
  server_id: z.string(),
  server_url: z.url(),
  server_name: z.string(),
  scopes: z.array(scope),
  status,
}
const serverMembers = {
  ...publicFacts,
  description: z.optional(z.string()),
  logo_url: z.optional(z.string()),
  token_lifetime_seconds: z.optional(z.int()),
  share_email: z.boolean(),
  requires_passkey: z.boolean(),
  sign_in_max_age_seconds: z.optional(z.int()),
  client_policy: z.enum(['any', 'not_dynamic', 'pre_registered', 'listed']),
  offered_to: z.optional(z.string()),
  created_at: timestamp,
  verified_at: z.optional(timestamp),
  proof: z.optional(proof),
}
const verification = z.strictObject({
  required: z.boolean(),
  metadata_url: z.optional(z.url()),
  metadata: z.optional(
    z.strictObject({
      resource: z.url(),
      authorization_servers: z.array(z.url()),
      auth_agent_server_id: z.string(),
    }),
  ),
  dns_txt: z.optional(z.strictObject({ name: z.string(), value: z.string() })),
})

export const errorAnswer = z.strictObject({
  error: z.string(),
  error_description: z.string(),
  error_uri: z.url(),
})

export const server = z.strictObject(serverMembers)
export const registeredServer = z.strictObject({
  ...serverMembers,
  management_token: z.optional(z.string()),
  verification,
})
export const ownServer = z.strictObject({ ...serverMembers, verification })
export const readServer = z.union([ownServer, z.strictObject(publicFacts)])
/** Where the next page begins; absent on the last one. */
const next = z.optional(z.string())

export const servers = z.strictObject({ servers: z.array(server), next })

export const verified = z.strictObject({
  server_id: z.string(),
  verified: z.boolean(),
  status: z.optional(status),
  metadata_url: z.optional(z.url()),
  taken_over_from: z.optional(z.string()),
  seen: z.optional(z.string()),
  expected: z.optional(z.record(z.string(), z.unknown())),
})

export const checked = z.strictObject({
  server_id: z.string(),
  passed: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.enum(['metadata', 'challenge', 'preflight', 'audience']),
      passed: z.boolean(),
      seen: z.string(),
      change: z.optional(z.string()),
    }),
  ),
})

const keyMembers = {
  key_id: z.string(),
  name: z.string(),
  last_four: z.string(),
  created_at: timestamp,
  expires_at: z.optional(timestamp),
  last_used_at: z.optional(timestamp),
  revoked_at: z.optional(timestamp),
}
export const createdKey = z.strictObject({ ...keyMembers, key_secret: z.optional(z.string()) })
export const keys = z.strictObject({ keys: z.array(z.strictObject(keyMembers)), next })

const personalTokenMembers = {
  token_id: z.string(),
  name: z.string(),
  last_four: z.string(),
  scopes: z.array(z.string()),
  created_at: timestamp,
  expires_at: timestamp,
  last_used_at: z.optional(timestamp),
  revoked_at: z.optional(timestamp),
}
export const createdPersonalToken = z.strictObject({ ...personalTokenMembers, personal_token: z.optional(z.string()) })
export const personalTokens = z.strictObject({ tokens: z.array(z.strictObject(personalTokenMembers)), next })

export const offers = z.strictObject({
  offers: z.array(z.strictObject({ ...publicFacts, created_at: timestamp, from_email: z.optional(z.string()) })),
  next,
})

export const connections = z.strictObject({
  connections: z.array(
    z.strictObject({
      connection_id: z.string(),
      client_id: z.string(),
      client_name: z.string(),
      client_kind: z.enum(['pre_registered', 'metadata_document', 'dynamic']),
      sub: z.string(),
      email: z.optional(z.string()),
      scopes: z.array(z.string()),
      created_at: timestamp,
      last_used_at: z.optional(timestamp),
      expires_at: timestamp,
      suspended: z.boolean(),
    }),
  ),
  next,
})

const event = z.strictObject({
  event_id: z.string(),
  event: z.string(),
  occurred_at: timestamp,
  reason: z.optional(z.string()),
  meaning: z.optional(z.string()),
  client_id: z.optional(z.string()),
  connection_id: z.optional(z.string()),
  transaction_id: z.optional(z.string()),
  reference: z.optional(z.string()),
  detail: z.optional(z.record(z.string(), z.unknown())),
})
export const events = z.strictObject({ events: z.array(event), next })

export const usage = z.strictObject({
  days: z.array(
    z.strictObject({
      day: z.iso.date(),
      client_id: z.optional(z.string()),
      client_name: z.optional(z.string()),
      connected: z.int(),
      used: z.int(),
      refreshed: z.int(),
      active_minutes: z.int(),
    }),
  ),
  next,
})

export const authorizations = z.strictObject({
  authorizations: z.array(
    z.strictObject({
      started_at: timestamp,
      state: z.enum([
        'waiting',
        'signed_in',
        'denied',
        'abandoned',
        'approved',
        'code_not_redeemed',
        'connected',
        'suspended',
        'ended',
      ]),
      client_id: z.string(),
      client_name: z.string(),
      transaction_id: z.optional(z.string()),
      connection_id: z.optional(z.string()),
      steps: z.array(event),
      last_refusal: z.optional(
        z.strictObject({
          step: z.enum(['token', 'refresh', 'introspection']),
          reason: z.string(),
          meaning: z.optional(z.string()),
          reference: z.optional(z.string()),
          occurred_at: timestamp,
        }),
      ),
    }),
  ),
  next,
})

const ruleMembers = {
  rule_id: z.string(),
  effect: z.enum(['allow', 'block']),
  client_id: z.optional(z.string()),
  host: z.optional(z.string()),
  created_at: timestamp,
}
export const createdRule = z.strictObject({ ...ruleMembers, connections_ended: z.int() })
export const rules = z.strictObject({ rules: z.array(z.strictObject(ruleMembers)) })

const webhookMembers = {
  webhook_id: z.string(),
  url: z.url(),
  events: z.array(z.string()),
  created_at: timestamp,
}
const message = z.strictObject({
  message_id: z.string(),
  type: z.string(),
  created_at: timestamp,
  attempts: z.int(),
  state: z.enum(['waiting', 'delivered', 'given_up']),
  next_attempt_at: z.optional(timestamp),
  seen: z.optional(z.string()),
})
export const createdWebhook = z.strictObject({ ...webhookMembers, secret: z.optional(z.string()) })
export const webhooks = z.strictObject({
  webhooks: z.array(z.strictObject({ ...webhookMembers, messages: z.array(message) })),
})
