import { refused } from './errors.ts'

/** What decides about a redirect: a client's own record or the snapshot a transaction keeps of it. */
export type RedirectingClient = {
  readonly client_id: string
  readonly kind: 'pre_registered' | 'metadata_document' | 'dynamic'
  readonly redirect_uris: readonly string[]
}

/**
 * https origins to which clients described on another origin may redirect: rows of configuration (SECURITY §25). A row is the
 * operator's word that both origins are one publisher's, so such a redirect is as good as one of the document's own origin.
 */
export type RedirectExceptions = ReadonlyMap<string, readonly string[]>

export type RedirectRules = {
  readonly privateUseSchemes: readonly string[]
  readonly redirectExceptions: RedirectExceptions
}

export type RedirectKind = 'https' | 'loopback' | 'private_use'

const proof: unique symbol = Symbol('proven')

/**
 * A redirect URI that was proven to be the client's own: only this file can make one, and only with one can an answer be
 * sent to a client (ARCHITECTURE decision 10).
 */
export type TrustedRedirect = {
  readonly [proof]: true
  readonly redirect_uri: string
  readonly kind: RedirectKind
  /** `proven`: an https redirect of a client we know by more than its own word; consent may be remembered (SECURITY §11). */
  readonly trust: 'proven' | 'unproven'
  /** Whether an error may go there by itself, or needs our page with a link that names the host (SECURITY §12). */
  readonly redirectsErrors: boolean
  /** For people: host and port; for a private-use scheme the scheme with its colon. */
  readonly label: string
}

const redirectUriSizeBytes = 2_048

// RFC 3986 §2, without `#`: control characters, spaces, quotes, backslashes and anything beyond ASCII never come through,
// and neither do half percent-codings.
const uriCharacters = /^(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/
const loopbackUri = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)$/
const httpsUri = /^https:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?(?:[/?].*)?$/i

/** Whether a text can be a redirect URI at all; no other one is anywhere registered or stored. */
export function isUriText(uri: string): boolean {
  return uri.length <= redirectUriSizeBytes && uriCharacters.test(uri)
}

/**
 * Judges the raw string, before any parser can change its meaning (THREATS A2, A3, A5, A6).
 * @returns undefined when no client may have such a redirect URI
 */
export function redirectKind(uri: string, privateUseSchemes: readonly string[]): RedirectKind | undefined {
  if (!isUriText(uri)) return undefined
  const loopback = loopbackUri.exec(uri)
  if (loopback !== null) return Number(loopback[2] ?? 80) <= 65_535 ? 'loopback' : undefined
  if (httpsUri.test(uri)) return URL.canParse(uri) ? 'https' : undefined
  const scheme = /^([a-z][a-z0-9+.-]*):[^:]/.exec(uri)?.[1]
  // RFC 8252 §7.1, only for a configured list of known native applications.
  if (scheme === undefined || scheme === 'http' || scheme === 'https') return undefined
  return privateUseSchemes.includes(scheme) ? 'private_use' : undefined
}

/**
 * RFC 8252 §7.3: the port is chosen anew at each run, path and query stay exact. So does the name; only where the client
 * lists this very path under several of the three names does each stand for the others, because such clients move
 * between them from one release to the next (INTEROP 4.4).
 */
function isLoopbackOf(client: RedirectingClient, uri: string): boolean {
  const requested = loopbackUri.exec(uri)
  if (requested === null) return false
  const listed = client.redirect_uris.map((registered) => loopbackUri.exec(registered)).filter((one) => one !== null)
  const names = new Set(listed.filter((one) => one[3] === requested[3]).map((one) => one[1]))
  return names.has(requested[1]) || names.size > 1
}

function isRegistered(client: RedirectingClient, uri: string, kind: RedirectKind): boolean {
  // Exact string match (RFC 9700 §4.1.3): a prefix or a normalised match would let /cb/../evil pass.
  return client.redirect_uris.includes(uri) || (kind === 'loopback' && isLoopbackOf(client, uri))
}

/** Whether whoever publishes this document speaks for this https redirect: another origin would be a stranger's. */
export function isOwnOrigin(documentUrl: string, uri: string, exceptions: RedirectExceptions): boolean {
  if (!URL.canParse(documentUrl)) return false
  const own = new URL(documentUrl).origin
  const { origin } = new URL(uri)
  return origin === own || (exceptions.get(own) ?? []).includes(origin)
}

type Used = { readonly uri: string; readonly kind: RedirectKind }

function isProvenClient(
  client: RedirectingClient,
  { uri, kind }: Used,
  { redirectExceptions }: RedirectRules,
): boolean {
  if (client.kind === 'pre_registered') return true
  if (client.kind !== 'metadata_document' || kind !== 'https') return false
  return isOwnOrigin(client.client_id, uri, redirectExceptions)
}

function redirectLabel(uri: string, kind: RedirectKind): string {
  return kind === 'private_use' ? `${uri.slice(0, uri.indexOf(':'))}:` : new URL(uri).host
}

/**
 * Proves that a redirect URI is the client's. Also for a URI that comes back from the database with its client's
 * snapshot: what is stored is proven again.
 * @throws OAuthError to be shown on our own page, because there is nowhere safe to send it (RFC 6749 §4.1.2.1)
 */
export function proveRedirect(
  client: RedirectingClient,
  redirect_uri: string | undefined,
  rules: RedirectRules,
): TrustedRedirect {
  const [only, another] = client.redirect_uris
  // OAuth 2.1 §4.1.1: it may be left out where only one is registered.
  const uri = redirect_uri ?? (another === undefined ? only : undefined)
  if (uri === undefined) throw refused('redirect_uri_missing')
  const kind = redirectKind(uri, rules.privateUseSchemes)
  if (kind === undefined) throw refused('redirect_uri_malformed')
  if (!isRegistered(client, uri, kind)) throw refused('redirect_uri_mismatch')
  const isProven = isProvenClient(client, { uri, kind }, rules)
  return {
    [proof]: true,
    redirect_uri: uri,
    kind,
    trust: isProven && kind === 'https' ? 'proven' : 'unproven',
    redirectsErrors: isProven || kind === 'loopback',
    label: redirectLabel(uri, kind),
  }
}
