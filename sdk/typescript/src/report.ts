import type { Config } from './config.ts'
import type { UnavailableReason } from './introspection.ts'
import type { Clock } from './single-flight.ts'

export type Trouble = UnavailableReason | 'misaddressed' | 'body_consumed' | 'answer_encoded' | 'defect'

/** Tells the owner of trouble, each kind at most once a minute. */
export type Report = (trouble: Trouble) => void

const REPEAT_AFTER_MS = 60_000

// Sentences without parameters: nothing that came over the wire can get into a log through here.
const SENTENCES: Readonly<Record<Trouble, string>> = {
  key_refused:
    'the issuer REFUSES THE API KEY: it was revoked, has expired, or belongs to another server. Nobody can get in until apiKey is right.',
  unreachable: 'the issuer cannot be reached in time; requests are answered 503',
  bad_status: 'the issuer answers introspection with an error; requests are answered 503',
  bad_answer: 'the issuer answers introspection with something else than RFC 7662; requests are answered 503',
  server_url_unknown:
    'the issuer did not tell the URL of this server: check serverId and issuer, or set serverUrl; requests are answered 503',
  keys_unavailable:
    "the issuer's public keys cannot be had, or not renewed for an hour; requests with a token are answered 503",
  jose_missing:
    'the package jose is not installed: npm install jose. Until then validation "jwt" answers 503, and signatureFirst checks nothing',
  misaddressed:
    'a live token names another audience: serverUrl is not, letter by letter, the URL that was registered for serverId',
  body_consumed:
    'the body of a request was read before the middleware, which has to see which tool is called: put the middleware first; requests are answered 500',
  answer_encoded:
    'a list was encoded before filterLists could see it: put whatever compresses answers before the middleware, not behind it; such lists are answered 500',
  defect: 'a defect in the middleware; requests are answered 503',
}

export function createReport(config: Config, clock: Clock): Report {
  const quietUntilMs = new Map<Trouble, number>()
  return (trouble) => {
    if (clock() < (quietUntilMs.get(trouble) ?? 0)) return
    quietUntilMs.set(trouble, clock() + REPEAT_AFTER_MS)
    config.log(`auth-agent ${config.serverId}: ${SENTENCES[trouble]}`)
  }
}
