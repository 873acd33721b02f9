import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestsToCompare, digestToStore } from '../crypto/digest.ts'
import { newPasskeyId, newSecret } from '../crypto/random.ts'
import { placeOf } from '../http/account-view.ts'
import { readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { providerName } from '../http/identity-mail.ts'
import { messagesOf } from '../http/language.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { mailPasskey, mailReportEnded } from '../http/passkey-mail.ts'
import { relyingParty, rememberPasskeyUse } from '../http/passkeys.ts'
import { clockOf, personFrame, presentedPerson, presentedViewer, signInFirst } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { ticketFor } from '../http/transaction-pages.tsx'
import { creationOptions, readRegistration, type VerifiedPasskey, verifyNewPasskey } from '../identity/passkey.ts'
import { AddPasskeyPage, PasskeysPage } from '../pages/account-passkeys.tsx'
import type { PasskeyLoss } from '../pages/lost-passkeys.tsx'
import { isPlainText } from '../protocol/display-name.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import {
  addPasskey,
  beginPasskey,
  type ListPasskeysOutcome,
  listPasskeys,
  removePasskey,
  renamePasskey,
} from '../store/passkeys.ts'

const here = '/account/passkeys'
const addPage = '/account/passkeys/add'

/** A person's passkeys: see, add, name, remove (SECURITY §16: the answer to relayed codes). */
export const accountPasskeysRoute = new Hono<AppEnv>()
  .get(here, (c) => showPasskeys(c))
  .get(addPage, (c) => showAdd(c))
  .post(addPage, rateLimit('RATE_CONSENT', 'account'), add)
  .post('/account/passkeys/rename', rateLimit('RATE_CONSENT', 'account'), rename)
  .post('/account/passkeys/remove', rateLimit('RATE_CONSENT', 'account'), remove)
  .onError(answerWithPage)

const done = {
  added: 'done_added',
  renamed: 'done_renamed',
  removed: 'done_removed',
  unlinked: 'done_unlinked',
  reported: 'done_reported',
  kept: 'done_kept',
  lost: 'done_lost',
} as const

function doneText(c: Context<AppEnv>): string | undefined {
  const asked = new URL(c.req.url).searchParams.get('done')
  const key = Object.entries(done).find(([name]) => name === asked)?.[1]
  return key && messagesOf(c).passkeys[key]
}

type Listed = Extract<ListPasskeysOutcome, { outcome: 'found' }>

async function showPasskeys(c: Context<AppEnv>, problem?: string): Promise<Response> {
  const listed = await listPasskeys(c.var.store, await presentedPerson(c))
  if (listed.outcome === 'sign_in') return signInFirst(c, listed, here)
  const viewer = await presentedViewer(c)
  const page = PasskeysPage({
    frame: personFrame(c, listed.email),
    clock: clockOf(c),
    rename: await ticketFor(c, 'rename_passkey', viewer),
    remove: await ticketFor(c, 'remove_passkey', viewer),
    passkeys: listed.passkeys.map(({ passkey_id, name, synced, created_at_seconds, last_used_at_seconds }) => ({
      id: passkey_id,
      name,
      isSynced: synced,
      madeAtSeconds: created_at_seconds,
      usedAtSeconds: last_used_at_seconds,
    })),
    unlink: await ticketFor(c, 'unlink', viewer),
    identities: listed.identities.map((identity) => ({
      id: identity.identity_id,
      name: providerName(c, identity.issuer),
      email: identity.email,
      linkedAtSeconds: identity.linked_at_seconds,
    })),
    losing: await ticketFor(c, 'lost_passkeys', viewer),
    loss: lossOf(c, listed),
    done: problem === undefined ? doneText(c) : undefined,
    problem,
  })
  return htmlAnswer(c, page, { status: problem === undefined ? 200 : 400 })
}

/** Whether passkeys can be said to be lost: where a code is still enough to remove them, nobody has to wait. */
function lossOf(c: Context<AppEnv>, { passkeys, settles_at_seconds, lost }: Listed): PasskeyLoss | undefined {
  if (lost !== undefined) {
    const { removable_at_seconds: removableAtSeconds, lapses_at_seconds: lapsesAtSeconds } = lost
    const kind = removableAtSeconds > clockOf(c).nowSeconds ? 'waiting' : 'due'
    return { kind, reportedAtSeconds: lost.reported_at_seconds, removableAtSeconds, lapsesAtSeconds }
  }
  if (passkeys.length === 0) return undefined
  if (settles_at_seconds !== undefined) return { kind: 'unsettled', settlesAtSeconds: settles_at_seconds }
  return { kind: 'possible', waitSeconds: c.var.config.lifetimes.passkey_wait_seconds }
}

/** Each view of the page has a challenge of its own; the session knows the newest. */
async function showAdd(c: Context<AppEnv>, problem?: string): Promise<Response> {
  const { config, store, requestFacts } = c.var
  const messages = messagesOf(c)
  const party = relyingParty(c)
  if (party === undefined) return showPasskeys(c, messages.passkey.needs_script_to_make)
  const challenge = newSecret()
  const begun = await beginPasskey(store, {
    ...(await presentedPerson(c)),
    p_fresh_seconds: config.lifetimes.fresh_sign_in_seconds,
    p_challenge_digest: (await digestToStore(config.tokenPeppers, 'passkey_challenge', challenge)).digest,
    p_maximum: config.limits.passkeys,
  })
  if (begun.outcome === 'full') return showPasskeys(c, messages.passkeys.full)
  if (begun.outcome !== 'begun') return signInFirst(c, begun, addPage)
  const { account_id, email, credentials: known } = begun
  const ceremony = { nonce: newSecret(), options: creationOptions({ party, challenge, account_id, email, known }) }
  const page = AddPasskeyPage({
    frame: personFrame(c, email),
    ticket: await ticketFor(c, 'add_passkey', await presentedViewer(c)),
    ceremony,
    name: placeOf({ user_agent: requestFacts.user_agent }, messages),
    problem,
  })
  const script = { nonce: ceremony.nonce, passkeys: 'create' } as const
  return htmlAnswer(c, page, { status: problem === undefined ? 200 : 400, script })
}

async function add(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'add_passkey')
  if (post instanceof Response) return post
  const name = readName(post.fields.get('name'))
  const answer = readRegistration(post.fields.get('credential') ?? '')
  const party = relyingParty(c)
  if (answer === undefined || party === undefined) throw refused('form_malformed')
  if (name === undefined) return showAdd(c, messagesOf(c).passkeys.name_refused)
  const verified = await verifyNewPasskey(party, answer)
  if (verified === undefined) return notAdded(c, 'refused')
  return keep(c, name, verified)
}

async function keep(c: Context<AppEnv>, name: string, verified: VerifiedPasskey): Promise<Response> {
  const { config, store, requestFacts } = c.var
  const { challenge, ...passkey } = verified
  const added = await addPasskey(store, {
    ...(await presentedPerson(c)),
    p_fresh_seconds: config.lifetimes.fresh_sign_in_seconds,
    p_challenge_digests: await digestsToCompare(config.tokenPeppers, 'passkey_challenge', challenge),
    p_passkey: { passkey_id: newPasskeyId(), name, ...passkey },
    p_maximum: config.limits.passkeys,
    p_request: requestFacts,
    p_wait_seconds: config.lifetimes.passkey_wait_seconds,
  })
  switch (added.outcome) {
    case 'added':
      rememberPasskeyUse(c)
      mailPasskey(c, added.email, { kind: 'added', settlesAtSeconds: added.settles_at_seconds })
      if (added.report_ended) mailReportEnded(c, added.email, 'changed')
      return c.redirect(`${here}?done=added`, 303)
    case 'challenge_gone':
      return notAdded(c, 'refused')
    case 'already_known':
      return notAdded(c, 'known')
    case 'full':
      return showPasskeys(c, messagesOf(c).passkeys.full)
    case 'not_fresh':
    case 'sign_in':
      return signInFirst(c, added, addPage)
    default:
      return assertNever(added)
  }
}

/** The same page again, which has another challenge. */
function notAdded(c: Context<AppEnv>, problem: 'refused' | 'known'): Promise<Response> {
  c.set('reason', 'passkey_refused')
  return showAdd(c, messagesOf(c).add_passkey[problem])
}

async function rename(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'rename_passkey')
  if (post instanceof Response) return post
  const name = readName(post.fields.get('name'))
  if (name === undefined) return showPasskeys(c, messagesOf(c).passkeys.name_refused)
  const renamed = await renamePasskey(c.var.store, {
    ...(await presentedPerson(c)),
    p_passkey_id: readPasskeyId(post.fields.get('passkey')),
    p_name: name,
  })
  if (renamed.outcome === 'sign_in') return signInFirst(c, renamed, here)
  if (renamed.outcome === 'not_found') return notFound(c)
  return c.redirect(`${here}?done=renamed`, 303)
}

async function remove(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'remove_passkey')
  if (post instanceof Response) return post
  const removed = await removePasskey(c.var.store, {
    ...(await presentedPerson(c)),
    p_fresh_seconds: c.var.config.lifetimes.fresh_sign_in_seconds,
    p_passkey_id: readPasskeyId(post.fields.get('passkey')),
    p_request: c.var.requestFacts,
  })
  switch (removed.outcome) {
    case 'removed':
      mailPasskey(c, removed.email, { kind: 'removed' })
      if (removed.report_ended) mailReportEnded(c, removed.email, 'changed')
      return c.redirect(`${here}?done=removed`, 303)
    case 'not_found':
      return notFound(c)
    case 'not_fresh':
    case 'sign_in':
      return signInFirst(c, removed, here)
    default:
      return assertNever(removed)
  }
}

/** @throws OAuthError form_malformed when it cannot be an id of ours */
function readPasskeyId(id: string | undefined): string {
  if (id !== undefined && /^pky_[0-9A-Za-z]{12}$/.test(id)) return id
  throw refused('form_malformed')
}

/** It is shown to nobody but its person; undefined when nothing of it could be seen. */
function readName(typed: string | undefined): string | undefined {
  const name = (typed ?? '').normalize('NFC').trim()
  return name !== '' && [...name].length <= 64 && isPlainText(name) ? name : undefined
}

/** Another person's is as unknown as none. */
function notFound(c: Context<AppEnv>): Promise<Response> {
  return deadEnd(c, refused('passkey_not_found'), { next: { href: here, label: messagesOf(c).add_passkey.back } })
}
