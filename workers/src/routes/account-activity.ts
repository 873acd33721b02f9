import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { placeOf } from '../http/account-view.ts'
import { deviceFamily } from '../http/device-family.ts'
import { htmlAnswer } from '../http/html.ts'
import { messagesOf } from '../http/language.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { clockOf, personFrame, presentedPerson, signInFirst } from '../http/person.ts'
import { ActivityPage, type EventRow } from '../pages/account-activity.tsx'
import type { Messages } from '../pages/messages/en.ts'
import { countryName } from '../pages/place.ts'
import { refused } from '../protocol/errors.ts'
import { parametersFrom } from '../protocol/parameters.ts'
import { listOwnEvents, type OwnEvent } from '../store/account.ts'

/** What happened to a person's account (SECURITY §28). */
export const accountActivityRoute = new Hono<AppEnv>().get('/account/activity', showActivity).onError(answerWithPage)

const pageSize = 50

async function showActivity(c: Context<AppEnv>): Promise<Response> {
  const listed = await listOwnEvents(c.var.store, {
    ...(await presentedPerson(c)),
    p_before: readCursor(parametersFrom(new URL(c.req.url).searchParams).get('before')),
    p_limit: pageSize,
  })
  if (listed.outcome === 'sign_in') return signInFirst(c, listed, '/account/activity')
  const messages = messagesOf(c)
  const page = ActivityPage({
    frame: personFrame(c, listed.email),
    clock: clockOf(c),
    events: listed.events.map((event) => eventRow(event, messages)),
    next: listed.next,
  })
  return htmlAnswer(c, page)
}

/** @throws OAuthError form_malformed for what no page of ours has in its links */
function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  if (/^[0-9]{1,17}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(cursor)) return cursor
  throw refused('form_malformed')
}

/** What programs do has no browser: then the country is all that is told of the place. */
function eventPlace(event: OwnEvent, messages: Messages): string | undefined {
  const { browser, system } = deviceFamily(event.user_agent)
  if (browser !== undefined || system !== undefined) return placeOf(event, messages)
  return event.country === undefined ? undefined : countryName(event.country, messages.language)
}

function eventRow(event: OwnEvent, messages: Messages): EventRow {
  return {
    event: event.event,
    // That of a session is how somebody signed in or out, which the event has said already.
    reason: event.event.startsWith('session.') ? undefined : event.reason,
    atSeconds: event.occurred_at_seconds,
    names: [event.client_name, event.server_name].filter((name) => name !== undefined),
    place: eventPlace(event, messages),
  }
}
