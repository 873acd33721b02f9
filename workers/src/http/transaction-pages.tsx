import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../context.ts'
import type { ClientProof } from '../pages/client-proof.tsx'
import { ConsentPage } from '../pages/consent.tsx'
import type { FormTicket } from '../pages/form.tsx'
import type { Frame } from '../pages/layout.tsx'
import { type PasskeyOffer, type Purpose, SignInPage } from '../pages/sign-in.tsx'
import { SignInCodePage } from '../pages/sign-in-code.tsx'
import type { PageTransaction, Transaction } from '../store/rows.ts'
import { clientProof, consentFacts, hostOf } from './consent-view.ts'
import { type FormPurpose, formToken } from './csrf.ts'
import { htmlAnswer } from './html.ts'
import { messagesOf } from './language.ts'
import { hasUsedPasskey, signInCeremony } from './passkeys.ts'
import { hostsOf, registrableDomains } from './registrable-domain.ts'

/** Whom a page is made for: its forms work for nobody else. */
export type Viewer = { readonly browser: string; readonly session: string }

export type SignInPageOptions = {
  readonly viewer: Viewer
  readonly email?: string
  readonly problem?: string
  readonly status?: ContentfulStatusCode
}

export type CodePageOptions = {
  readonly viewer: Viewer
  readonly transaction: string
  readonly email: string | null
  /** The issuer of the account elsewhere that the code links. */
  readonly linkingIssuer?: string | undefined
  readonly problem?: string
  /** False once the code is dead. */
  readonly usable?: boolean
  readonly status?: ContentfulStatusCode
}

const formActions: Readonly<Record<FormPurpose, string>> = {
  sign_in: '/sign-in',
  code: '/sign-in/code',
  passkey: '/sign-in/passkey',
  consent: '/consent',
  sign_out: '/sign-out',
  revoke_connections: '/account/connections/revoke',
  narrow_connection: '/account/connections/narrow',
  end_sessions: '/account/sessions/end',
  add_passkey: '/account/passkeys/add',
  rename_passkey: '/account/passkeys/rename',
  remove_passkey: '/account/passkeys/remove',
  lost_passkeys: '/account/passkeys/lost',
  unlink: '/account/passkeys/unlink',
  delete_account: '/account/delete',
  dashboard: '/dashboard',
}

export function frameOf(c: Context<AppEnv>): Frame {
  const { issuer, serviceName } = c.var.config
  return { issuerHost: hostOf(issuer), serviceName, messages: messagesOf(c) }
}

/** What a form carries: where it goes, its transaction if it has one, and the token that ties it to this viewer. */
export async function ticketFor(
  c: Context<AppEnv>,
  purpose: FormPurpose,
  viewer: Viewer,
  transaction?: string,
): Promise<FormTicket> {
  const csrf = await formToken(c, { purpose, ...viewer, transaction: transaction ?? '' })
  return { action: formActions[purpose], csrf, ...(transaction !== undefined && { transaction }) }
}

function isVouchedFor({ kind }: ClientProof): boolean {
  return kind === 'published' || kind === 'registered'
}

function purposeOf(transaction: Transaction | PageTransaction): Purpose {
  if ('page' in transaction) {
    if (transaction.needs_passkey) return { kind: 'passkeys' }
    return { kind: transaction.email === undefined ? 'page' : 'confirm' }
  }
  const { client, server } = transaction
  return {
    kind: 'program',
    clientName: client.client_name,
    clientVerified: isVouchedFor(clientProof(client)),
    serverHost: server && hostOf(server.server_url),
  }
}

/** The address to begin with: a program may know it, and so do we where somebody is signed in. */
function hintOf(transaction: Transaction | PageTransaction): string | undefined {
  return 'page' in transaction ? transaction.email : transaction.login_hint
}

function needsPasskey(transaction: Transaction | PageTransaction): boolean {
  return 'page' in transaction ? transaction.needs_passkey : transaction.server?.requires_passkey === true
}

function placeOfPasskeys(c: Context<AppEnv>, transaction: Transaction | PageTransaction): PasskeyOffer['place'] {
  if (needsPasskey(transaction)) return 'alone'
  return hasUsedPasskey(c) ? 'before' : 'after'
}

async function passkeyOffer(
  c: Context<AppEnv>,
  { viewer, problem }: SignInPageOptions,
  transaction: Transaction | PageTransaction,
): Promise<PasskeyOffer | undefined> {
  const ceremony = await signInCeremony(c, viewer, transaction)
  if (ceremony === undefined) return undefined
  const ticket = await ticketFor(c, 'passkey', viewer, transaction.transaction_id)
  return { ticket, ceremony, place: placeOfPasskeys(c, transaction), asksByItself: problem === undefined }
}

/** Where a passkey or a fresh sign-in is wanted, nobody elsewhere can give it. */
function providersFor(c: Context<AppEnv>, transaction: Transaction | PageTransaction) {
  const { transaction_id, wants_fresh_sign_in } = transaction
  if (wants_fresh_sign_in || needsPasskey(transaction)) return []
  return c.var.providers.map(({ id, name }) => ({
    name,
    href: `/sign-in/provider/${id}?transaction=${encodeURIComponent(transaction_id)}`,
  }))
}

export async function signInAnswer(
  c: Context<AppEnv>,
  transaction: Transaction | PageTransaction,
  options: SignInPageOptions,
): Promise<Response> {
  const { viewer, email, problem, status } = options
  const passkey = await passkeyOffer(c, options, transaction)
  const page = SignInPage({
    frame: frameOf(c),
    ticket: await ticketFor(c, 'sign_in', viewer, transaction.transaction_id),
    purpose: purposeOf(transaction),
    email: email ?? hintOf(transaction) ?? '',
    problem: problem ?? null,
    passkey,
    providers: providersFor(c, transaction),
  })
  const script = passkey && ({ nonce: passkey.ceremony.nonce, passkeys: 'get' } as const)
  return htmlAnswer(c, page, { status: status ?? 200, script })
}

export async function codeAnswer(c: Context<AppEnv>, options: CodePageOptions): Promise<Response> {
  const { viewer, transaction, email, problem, usable, status, linkingIssuer } = options
  const page = SignInCodePage({
    frame: frameOf(c),
    ticket: await ticketFor(c, 'code', viewer, transaction),
    again: await ticketFor(c, 'sign_in', viewer, transaction),
    email,
    minutes: Math.floor(c.var.config.limits.code_seconds / 60),
    linking: c.var.providers.find(({ issuer }) => issuer === linkingIssuer)?.name ?? null,
    problem: problem ?? null,
    usable: usable ?? true,
    otherAddress: pagePath('/sign-in', transaction),
  })
  return htmlAnswer(c, page, { status: status ?? 200 })
}

export async function consentAnswer(
  c: Context<AppEnv>,
  transaction: Transaction,
  { viewer, problem, status }: Pick<SignInPageOptions, 'viewer' | 'problem' | 'status'>,
): Promise<Response> {
  const facts = consentFacts(transaction, transaction.account?.email ?? '')
  const page = ConsentPage({
    frame: frameOf(c),
    ticket: await ticketFor(c, 'consent', viewer, transaction.transaction_id),
    switchAccount: await ticketFor(c, 'sign_out', viewer, transaction.transaction_id),
    ...facts,
    domains: await registrableDomains(hostsOf(facts.parties)),
    problem: problem ?? null,
  })
  return htmlAnswer(c, page, { status: status ?? 200, formAction: { redirectUri: transaction.redirect_uri } })
}

/** Where a page about a transaction is; the id alone is worth nothing without the browser's cookie. */
export function pagePath(path: '/sign-in' | '/sign-in/code' | '/consent', transaction: string): string {
  return `${path}?transaction=${encodeURIComponent(transaction)}`
}
