import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { type Browser, readBrowser } from '../http/browser.ts'
import { knownDevice, rememberDevice } from '../http/device.ts'
import { gone } from '../http/gone.ts'
import { languageOf, messagesOf } from '../http/language.ts'
import { mailCode, newEmailCodeFor } from '../http/mail-code.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { newLeg, readLeg } from '../http/provider-leg.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { see } from '../http/read-transaction.ts'
import { newSession, readSession, writeSession } from '../http/session.ts'
import { pagePath, signInAnswer } from '../http/transaction-pages.tsx'
import { ProviderFailed, type SignInProvider, type UpstreamIdentity } from '../identity/provider.ts'
import { fillText } from '../pages/fill.tsx'
import { parseEmailAddress } from '../protocol/email-address.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import { type Parameters, parametersFrom } from '../protocol/parameters.ts'
import { type SignInWithProviderOutcome, signInWithProvider } from '../store/identities.ts'

/** To another place that can vouch for a person, and back (OpenID Connect Core §3.1; RFC 9700 §4.4, §4.7). */
export const signInProviderRoute = new Hono<AppEnv>()
  .get('/sign-in/provider/:provider', rateLimit('RATE_AUTHORIZE', 'provider'), leave)
  .get('/sign-in/callback/:provider', rateLimit('RATE_CODE_CHECK', 'provider'), comeBack)
  .onError(answerWithPage)

const queryOf = (c: Context<AppEnv>) => parametersFrom(new URL(c.req.url).searchParams)

function providerOf(c: Context<AppEnv>): SignInProvider {
  const provider = c.var.providers.find(({ id }) => id === c.req.param('provider'))
  if (provider === undefined) throw refused('provider_unknown')
  return provider
}

/** A link and no form: whoever follows it from elsewhere has no transaction of this browser, so the way back ends nowhere. */
async function leave(c: Context<AppEnv>): Promise<Response> {
  const provider = providerOf(c)
  const transaction = queryOf(c).get('transaction') ?? ''
  const browser = await readBrowser(c)
  if (browser === undefined || !/^[A-Za-z0-9_-]{22}$/.test(transaction)) return c.redirect('/sign-in', 303)
  try {
    const leg = await newLeg(c, { provider: provider.id, browser: browser.value, transaction })
    return c.redirect(await provider.authorizationUrl(leg), 303)
  } catch (error) {
    return failed(c, { provider, transaction }, error)
  }
}

type Way = { readonly provider: SignInProvider; readonly transaction: string }

async function comeBack(c: Context<AppEnv>): Promise<Response> {
  const provider = providerOf(c)
  const query = queryOf(c)
  const browser = await readBrowser(c)
  const leg = browser && (await readLeg(c, { provider: provider.id, browser: browser.value }, query.get('state') ?? ''))
  // Nothing of an answer is looked at before it is known that this browser asked for it (RFC 9700 §4.7.1).
  if (browser === undefined || leg === undefined) throw refused('provider_state_mismatch')
  const { transaction, ...sent } = leg
  const way = { provider, transaction }
  const code = query.get('code')
  if (code === undefined) return denied(c, way, query)
  let identity: UpstreamIdentity
  try {
    identity = await provider.identify({ ...sent, code, iss: query.get('iss') })
  } catch (error) {
    return failed(c, way, error)
  }
  return finish(c, way, { browser, identity })
}

type Vouched = { readonly browser: Browser; readonly identity: UpstreamIdentity }

async function finish(c: Context<AppEnv>, way: Way, { browser, identity }: Vouched): Promise<Response> {
  const { config, store, requestFacts, limitAddress } = c.var
  const { transaction } = way
  const [session, presented, made] = await Promise.all([newSession(c), readSession(c), newEmailCodeFor(c, transaction)])
  const email = readAddress(identity.email)
  const device = email === undefined ? null : await knownDevice(c, email)
  const signedIn = await signInWithProvider(store, {
    p_transaction_id: transaction,
    p_browser_digests: browser.digests,
    p_identity: { ...identity, email },
    p_code: { ...made.stored, limits: config.limits, device, ip: limitAddress ?? null },
    p_old_session_digests: presented.digests,
    p_session_digest: session.stored.digest,
    p_kid: session.stored.kid,
    p_lifetimes: config.lifetimes,
    p_request: { ...requestFacts, language: languageOf(c) },
  })
  switch (signedIn.outcome) {
    case 'verified':
      writeSession(c, session)
      await rememberDevice(c, signedIn.email)
      return c.redirect(signedIn.page ?? pagePath('/consent', transaction), 303)
    case 'confirm':
      if (signedIn.sent) mailCode(c, made.code, signedIn)
      else c.set('reason', 'email_code_suppressed')
      return c.redirect(pagePath('/sign-in/code', transaction), 303)
    default:
      return providerRefused(c, way, signedIn)
  }
}

type Refusal = Exclude<SignInWithProviderOutcome, { outcome: 'verified' } | { outcome: 'confirm' }>

function providerRefused(c: Context<AppEnv>, way: Way, refusal: Refusal): Promise<Response> {
  switch (refusal.outcome) {
    case 'transaction_gone':
      return deadEnd(c, gone(refusal.reason))
    case 'account_disabled':
      return deadEnd(c, refused('sign_in_disabled'))
    case 'switched_off':
      return deadEnd(c, refused('email_sign_in_off'))
    case 'email_unverified':
      return askAgain(c, way, 'provider_email_unverified')
    default:
      return assertNever(refusal)
  }
}

/** An address that we could not write to counts as none. */
function readAddress(email: string | undefined): string | undefined {
  try {
    return email === undefined ? undefined : parseEmailAddress(email)
  } catch {
    return undefined
  }
}

/** The person changed their mind there, or the provider did not let them in (RFC 6749 §4.1.2.1). */
function denied(c: Context<AppEnv>, way: Way, query: Parameters): Promise<Response> {
  const isDenied = query.get('error') === 'access_denied'
  return askAgain(c, way, isDenied ? 'provider_denied' : 'provider_failed')
}

/** @throws what is no failure of the provider's */
function failed(c: Context<AppEnv>, way: Way, error: unknown): Promise<Response> {
  if (!(error instanceof ProviderFailed)) throw error
  c.set('cause', error)
  return askAgain(c, way, 'provider_failed')
}

const problems = {
  provider_denied: 'denied',
  provider_failed: 'failed',
  provider_email_unverified: 'unverified',
} as const

/** The sign-in page again: the code by e-mail stays. */
async function askAgain(
  c: Context<AppEnv>,
  { provider, transaction }: Way,
  reason: keyof typeof problems,
): Promise<Response> {
  const { read, viewer } = await see(c, transaction)
  if (read.outcome === 'transaction_gone') return deadEnd(c, gone(read.reason))
  if (read.outcome === 'page') return c.redirect(read.page, 303)
  c.set('reason', reason)
  const problem = fillText(messagesOf(c).provider[problems[reason]], { provider: provider.name })
  return signInAnswer(c, read.transaction, { viewer, problem, status: 400 })
}
