import { createHash, randomBytes } from 'node:crypto'

export const issuer = 'https://mcp.example'
export const lifetimes = {
  transaction_seconds: 600,
  code_seconds: 60,
  session_idle_seconds: 43_200,
  session_absolute_seconds: 604_800,
  refresh_idle_seconds: 2_592_000,
  refresh_absolute_seconds: 7_776_000,
  remembered_consent_seconds: 2_592_000,
}
export const codeLimits = {
  per_address_15_minutes: 3,
  per_address_day: 10,
  per_ip_hour: 10,
  code_seconds: 600,
  attempts: 5,
  failures_per_account_day: 50,
}
export const retry = { window_seconds: 120, max: 10 }
export const request = { request_id: 'req_1', ip: '192.0.2.1', user_agent: 'test' }
export const verifierChallenge = 'E9Melhoa2OwvFrEMTJGuCHaoeK1t8URWbuGJSstw-cM'

/** 32 bytes that stand for the keyed digest of this text, as the Worker sends them. */
export function digest(text: string): string {
  return `\\x${createHash('sha256').update(text).digest('hex')}`
}

export function id(): string {
  return randomBytes(16).toString('base64url')
}

function base62(length: number): string {
  return Array.from(
    randomBytes(length),
    (byte) => '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[byte % 62],
  ).join('')
}

export const serverId = () => `srv_${base62(22)}`
export const keyId = () => `key_${base62(12)}`
export const publicPart = () => base62(12)

export const metadataClient = {
  client_id: 'https://app.example/client.json',
  client_name: 'App',
  kind: 'metadata_document',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['https://app.example/callback'],
}
export const preRegistered = {
  client_id: 'client_claude_code',
  client_name: 'Claude Code',
  kind: 'pre_registered',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://localhost/callback'],
}

export const catalogue = [
  { name: 'files:read', description: 'Read your files', required: false, default: true },
  { name: 'files:write', description: 'Change your files', required: false, default: false },
  { name: 'base', description: 'Needed by everything', required: true, default: true },
]

export const newEmail = () => `${randomBytes(6).toString('hex')}@mail.example`
