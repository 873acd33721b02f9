import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../context.ts'
import { ConsentPage } from '../pages/consent.tsx'
import type { FormTicket } from '../pages/form.tsx'
import type { Frame } from '../pages/layout.tsx'
import { type Purpose, SignInPage } from '../pages/sign-in.tsx'
import { SignInCodePage } from '../pages/sign-in-code.tsx'
import type { Transaction } from '../store/rows.ts'
import { consentFacts, hostOf } from './consent-view.ts'
import { type FormPurpose, formToken } from './csrf.ts'
import { htmlAnswer } from './html.ts'

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
  readonly problem?: string
  /** False once the code is dead. */
  readonly usable?: boolean
  readonly status?: ContentfulStatusCode
}

const formActions: Readonly<Record<FormPurpose, string>> = {
  sign_in: '/sign-in',
  code: '/sign-in/code',
  consent: '/consent',
  sign_out: '/sign-out',
}

export function frameOf(c: Context<AppEnv>): Frame {
  const { issuer, serviceName } = c.var.config
  return { issuerHost: hostOf(issuer), serviceName }
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

function purposeOf({ client, server }: Transaction): Purpose {
  return {
    clientName: client.client_name,
    clientVerified: client.kind !== 'dynamic',
    serverHost: server && hostOf(server.server_url),
  }
}

export async function signInAnswer(
  c: Context<AppEnv>,
  transaction: Transaction,
  { viewer, email, problem, status }: SignInPageOptions,
): Promise<Response> {
  const page = SignInPage({
    frame: frameOf(c),
    ticket: await ticketFor(c, 'sign_in', viewer, transaction.transaction_id),
    purpose: purposeOf(transaction),
    email: email ?? transaction.login_hint ?? '',
    problem: problem ?? null,
  })
  return htmlAnswer(c, page, { status: status ?? 200 })
}

export async function codeAnswer(c: Context<AppEnv>, options: CodePageOptions): Promise<Response> {
  const { viewer, transaction, email, problem, usable, status } = options
  const page = SignInCodePage({
    frame: frameOf(c),
    ticket: await ticketFor(c, 'code', viewer, transaction),
    again: await ticketFor(c, 'sign_in', viewer, transaction),
    email,
    minutes: Math.floor(c.var.config.limits.code_seconds / 60),
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
  const page = ConsentPage({
    frame: frameOf(c),
    ticket: await ticketFor(c, 'consent', viewer, transaction.transaction_id),
    switchAccount: await ticketFor(c, 'sign_out', viewer, transaction.transaction_id),
    ...consentFacts(transaction, transaction.account?.email ?? ''),
    problem: problem ?? null,
  })
  return htmlAnswer(c, page, { status: status ?? 200, formAction: { redirectUri: transaction.redirect_uri } })
}

/** Where a page about a transaction is; the id alone is worth nothing without the browser's cookie. */
export function pagePath(path: '/sign-in' | '/sign-in/code' | '/consent', transaction: string): string {
  return `${path}?transaction=${encodeURIComponent(transaction)}`
}
