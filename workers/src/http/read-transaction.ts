import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { parametersFrom } from '../protocol/parameters.ts'
import { type ReadTransactionOutcome, readTransaction } from '../store/transactions.ts'
import { readBrowser } from './browser.ts'
import { readTransactionId } from './form-post.ts'
import { readSession } from './session.ts'
import type { Viewer } from './transaction-pages.tsx'

/** A transaction as this browser may see it, and whom its page is made for. */
export type Seen = { readonly read: ReadTransactionOutcome; readonly transaction: string; readonly viewer: Viewer }

/** The transaction that the address names; undefined when it names none. */
export function seeAddressed(c: Context<AppEnv>): Promise<Seen> | undefined {
  const transaction = readTransactionId(parametersFrom(new URL(c.req.url).searchParams))
  return transaction === '' ? undefined : see(c, transaction)
}

/** What this browser, with this session, is to see of a transaction now. */
export async function see(c: Context<AppEnv>, transaction: string): Promise<Seen> {
  const browser = await readBrowser(c)
  const session = await readSession(c)
  const read = await readTransaction(c.var.store, {
    p_transaction_id: transaction,
    p_browser_digests: browser?.digests ?? [],
    p_session_digests: session.digests,
    p_session_idle_seconds: c.var.config.lifetimes.session_idle_seconds,
    p_request: c.var.requestFacts,
  })
  return { read, transaction, viewer: { browser: browser?.value ?? '', session: session.value } }
}
