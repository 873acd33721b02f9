import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { connectionRow, placeOf } from '../http/account-view.ts'
import { redirectTarget } from '../http/consent-view.ts'
import { readFormPost } from '../http/form-post.ts'
import { htmlAnswer } from '../http/html.ts'
import { messagesOf } from '../http/language.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { clockOf, personFrame, presentedPerson, presentedViewer, signInFirst } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { ticketFor } from '../http/transaction-pages.tsx'
import { ConnectionPage, type ConnectionView } from '../pages/account-connection.tsx'
import { ConnectionsPage } from '../pages/account-connections.tsx'
import { assertNever, refused } from '../protocol/errors.ts'
import { parametersFrom } from '../protocol/parameters.ts'
import {
  listOwnConnections,
  narrowOwnConnection,
  type OwnConnection,
  type ReadOwnConnectionOutcome,
  readOwnConnection,
  revokeOwnConnections,
} from '../store/account.ts'

/** A person's connections: see, narrow, end (HTTP-API "Pages"; THREATS B31). */
export const accountRoute = new Hono<AppEnv>()
  .get('/account', showConnections)
  .get('/account/connections/:connection_id', showConnection)
  .post('/account/connections/revoke', rateLimit('RATE_CONSENT', 'account'), revoke)
  .post('/account/connections/narrow', rateLimit('RATE_CONSENT', 'account'), narrow)
  .onError(answerWithPage)

const pageSize = 50

const queryOf = (c: Context<AppEnv>) => parametersFrom(new URL(c.req.url).searchParams)

/** @throws OAuthError form_malformed for what no page of ours has in its links */
function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  if (/^[0-9]{1,17}\.[A-Za-z0-9_-]{22}$/.test(cursor)) return cursor
  throw refused('form_malformed')
}

const connectionIdShape = /^[A-Za-z0-9_-]{22}$/

/** @throws OAuthError form_malformed when it cannot be an id of ours */
function readConnectionId(id: string | undefined): string {
  if (id !== undefined && connectionIdShape.test(id)) return id
  throw refused('form_malformed')
}

async function showConnections(c: Context<AppEnv>): Promise<Response> {
  const query = queryOf(c)
  const listed = await listOwnConnections(c.var.store, {
    ...(await presentedPerson(c)),
    p_after: readCursor(query.get('after')),
    p_limit: pageSize,
  })
  if (listed.outcome === 'sign_in') return signInFirst(c, listed, '/account')
  const page = ConnectionsPage({
    frame: personFrame(c, listed.email),
    clock: clockOf(c),
    revoke: await ticketFor(c, 'revoke_connections', await presentedViewer(c)),
    connections: listed.connections.map(connectionRow),
    next: listed.next,
    done: query.get('done') === 'disconnected' ? messagesOf(c).connections.done_disconnected : undefined,
  })
  return htmlAnswer(c, page)
}

async function showConnection(c: Context<AppEnv>): Promise<Response> {
  const connection_id = c.req.param('connection_id') ?? ''
  // No form was sent: a link was cut off on its way.
  if (!connectionIdShape.test(connection_id)) return gone(c)
  const read = await readOwnConnection(c.var.store, { ...(await presentedPerson(c)), p_connection_id: connection_id })
  if (read.outcome === 'sign_in') return signInFirst(c, read, connectionPath(connection_id))
  if (read.outcome === 'not_found') return gone(c)
  return htmlAnswer(c, ConnectionPage(await connectionView(c, read)))
}

type Found = Extract<ReadOwnConnectionOutcome, { outcome: 'found' }>

async function connectionView(c: Context<AppEnv>, found: Found): Promise<ConnectionView> {
  const { connection, catalogue } = found
  const messages = messagesOf(c)
  const viewer = await presentedViewer(c)
  return {
    frame: personFrame(c, found.email),
    clock: clockOf(c),
    row: connectionRow(connection),
    redirect: redirectTarget(connection.redirect_uri),
    ...sharedIdentity(connection),
    approvedAtSeconds: connection.first_used_at_seconds,
    approvedFrom: placeOf(connection, messages),
    idleEndsAtSeconds: connection.idle_expires_at_seconds,
    endsAtSeconds: connection.expires_at_seconds,
    scopes: catalogue.map(({ name, description, required }) => ({ name, required, description: description || null })),
    narrow: await ticketFor(c, 'narrow_connection', viewer),
    revoke: await ticketFor(c, 'revoke_connections', viewer),
    counts: { ofClient: found.of_client, ofServer: found.of_server, ofAll: found.of_all },
    done: queryOf(c).get('done') === 'narrowed' ? messages.connection.narrow_done : undefined,
  }
}

/** Userinfo gives e-mail and name by scope, introspection gives the e-mail to the server itself. */
function sharedIdentity({ scopes, email_shared }: OwnConnection) {
  const isInUserinfo = scopes.includes('openid')
  return {
    sharesEmail: email_shared || (isInUserinfo && scopes.includes('email')),
    sharesProfile: isInUserinfo && scopes.includes('profile'),
  }
}

const extents = ['one', 'client', 'server', 'all'] as const

async function revoke(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'revoke_connections')
  if (post instanceof Response) return post
  const extent = extents.find((one) => one === post.fields.get('extent'))
  if (extent === undefined) throw refused('form_malformed')
  const revoked = await revokeOwnConnections(c.var.store, {
    ...(await presentedPerson(c)),
    p_connection_id: extent === 'all' ? null : readConnectionId(post.fields.get('connection')),
    p_extent: extent,
    p_request: c.var.requestFacts,
  })
  switch (revoked.outcome) {
    case 'revoked':
      return c.redirect('/account?done=disconnected', 303)
    case 'not_found':
      return gone(c)
    case 'sign_in':
      return signInFirst(c, revoked, '/account')
    default:
      return assertNever(revoked)
  }
}

async function narrow(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'narrow_connection')
  if (post instanceof Response) return post
  const connection_id = readConnectionId(post.fields.get('connection'))
  const narrowed = await narrowOwnConnection(c.var.store, {
    ...(await presentedPerson(c)),
    p_connection_id: connection_id,
    p_scopes: post.fields.all('scope'),
    p_request: c.var.requestFacts,
  })
  switch (narrowed.outcome) {
    case 'narrowed':
      return c.redirect(`${connectionPath(connection_id)}?done=narrowed`, 303)
    case 'revoked':
      return c.redirect('/account?done=disconnected', 303)
    case 'not_found':
      return gone(c)
    case 'scope_not_granted':
      throw refused('scope_not_granted')
    case 'sign_in':
      return signInFirst(c, narrowed, connectionPath(connection_id))
    default:
      return assertNever(narrowed)
  }
}

function connectionPath(connection_id: string): string {
  return `/account/connections/${connection_id}`
}

/** Another person's connection is as unknown as none. */
function gone(c: Context<AppEnv>): Promise<Response> {
  return deadEnd(c, refused('connection_not_found'), {
    next: { href: '/account', label: messagesOf(c).connection.back },
  })
}
