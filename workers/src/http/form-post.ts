import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'
import { type Parameters, parametersFrom } from '../protocol/parameters.ts'
import { readTransaction } from '../store/transactions.ts'
import { readBodyText } from './body.ts'
import { type Browser, readBrowser } from './browser.ts'
import { type FormPurpose, isFormEncoded, isFormToken, isFromOurPage } from './csrf.ts'
import { gone } from './gone.ts'
import { messagesOf } from './language.ts'
import { deadEnd } from './page-errors.tsx'
import { type PresentedSession, readSession } from './session.ts'
import { pagePath } from './transaction-pages.tsx'

/** A form of ours, sent by the browser and session it was made for. */
export type FormPost = {
  readonly fields: Parameters
  /** Empty where the form is about no transaction. */
  readonly transaction: string
  readonly browser: Browser
  readonly session: PresentedSession
}

const noBrowser: Browser = { value: '', digests: [] }

async function readFields(c: Context<AppEnv>): Promise<Parameters> {
  // No page of ours sends another encoding either (B4).
  if (!isFromOurPage(c) || !isFormEncoded(c)) throw refused('form_origin_mismatch')
  const body = await readBodyText(c.req.raw)
  if (body === undefined) throw refused('request_too_large')
  // Nobody can type NUL, and no text in the database can hold it.
  if (body.includes('%00') || body.includes('\0')) throw refused('form_malformed')
  return parametersFrom(new URLSearchParams(body))
}

/**
 * The transaction a form or an address is about; empty when it names none.
 * @throws OAuthError form_malformed when it cannot be an id of ours
 */
export function readTransactionId(parameters: Parameters): string {
  const transaction = parameters.get('transaction') ?? ''
  if (transaction === '' || /^[A-Za-z0-9_-]{22}$/.test(transaction)) return transaction
  throw refused('form_malformed')
}

/** The token does not fit: the transaction is not this browser's, or its owner signed in or out since the page was shown. */
async function staleForm(c: Context<AppEnv>, post: FormPost): Promise<Response> {
  const stale = refused('form_token_mismatch')
  const label = messagesOf(c).error.open_current_page
  if (post.transaction === '') return deadEnd(c, stale, { next: { href: '/account', label } })
  const read = await readTransaction(c.var.store, {
    p_transaction_id: post.transaction,
    p_browser_digests: post.browser.digests,
    // Nobody's eyes: with a session this would bind the transaction to an account whose page was not shown.
    p_session_digests: [],
    p_session_idle_seconds: c.var.config.lifetimes.session_idle_seconds,
    p_request: c.var.requestFacts,
  })
  if (read.outcome === 'transaction_gone') return deadEnd(c, gone(read.reason))
  return deadEnd(c, stale, {
    next: { href: pagePath('/consent', post.transaction), label },
  })
}

/**
 * Reads a form that a page of ours made (SECURITY §10): origin, encoding, then the token. A refusal is the answer itself.
 * @throws OAuthError for what no page of ours sends
 */
export async function readFormPost(c: Context<AppEnv>, purpose: FormPurpose): Promise<FormPost | Response> {
  const fields = await readFields(c)
  const post: FormPost = {
    fields,
    transaction: readTransactionId(fields),
    browser: (await readBrowser(c)) ?? noBrowser,
    session: await readSession(c),
  }
  const binding = {
    purpose,
    browser: post.browser.value,
    session: post.session.value,
    transaction: post.transaction,
  }
  if (await isFormToken(c, binding, fields.get('csrf') ?? '')) return post
  return staleForm(c, post)
}
