import type { AskIssuer } from './ask-issuer.ts'
import { type Config, scopeList } from './config.ts'
import { type FixedUrl, parseServerUrl } from './fixed-url.ts'
import { isRecord, parseJson } from './json.ts'
import { readTextUpTo } from './read-text.ts'
import { joinScopes } from './scopes.ts'
import { type Clock, createSingleFlight } from './single-flight.ts'

/** What this server is to OAuth: a protected resource (RFC 9728). Made from configuration alone. */
export type Resource = Readonly<{
  /** The registered URL: `resource` in the metadata, `aud` in tokens. */
  serverUrl: string
  metadataUrl: string
  /** The paths at which the document is served: the path form and the root form. */
  metadataPaths: readonly string[]
  document: string
}>

/** Gives the resource, at once where it is known; undefined while the issuer has not told its URL. */
export type ReadResource = () => Resource | Promise<Resource | undefined> | undefined

export const METADATA_PATH = '/.well-known/oauth-protected-resource'

const PAUSE_AFTER_FAILURE_MS = 5_000
const MAX_FACTS_BYTES = 65_536

/** Reads `serverUrl` once from the issuer where the owner has not given it; at most one failing call in 5 seconds. */
export function createReadResource(
  config: Config,
  { ask, clock, failed }: { ask: AskIssuer; clock: Clock; failed: () => void },
): ReadResource {
  if (config.serverUrl !== undefined) {
    const resource = describeResource(config, config.serverUrl)
    return () => resource
  }
  const once = createSingleFlight<Resource | undefined>(config.timeoutMs, clock, undefined)
  let known: Resource | undefined
  let pausedUntilMs = 0
  const askOnce = async () => {
    const serverUrl = await fetchServerUrl(config, ask)
    if (serverUrl === undefined) {
      pausedUntilMs = clock() + PAUSE_AFTER_FAILURE_MS
      failed()
      return undefined
    }
    known = describeResource(config, serverUrl)
    return known
  }
  return () => known ?? (clock() < pausedUntilMs ? undefined : once('server_url', askOnce))
}

function describeResource(config: Config, serverUrl: FixedUrl): Resource {
  const path = `${METADATA_PATH}${serverUrl.path}`
  const document = {
    resource: serverUrl.href,
    authorization_servers: [config.issuer],
    scopes_supported: supportedScopes(config),
    bearer_methods_supported: ['header'],
    // With this member the issuer believes that whoever deployed this owns the URL.
    auth_agent_server_id: config.serverId,
  }
  return Object.freeze({
    serverUrl: serverUrl.href,
    metadataUrl: `${serverUrl.origin}${path}`,
    metadataPaths: Object.freeze([...new Set([path, METADATA_PATH])]),
    document: JSON.stringify(document),
  })
}

/** Every scope the configuration speaks of; `offline_access` cannot be among them (see `scopeList`). */
function supportedScopes(config: Config): readonly string[] {
  const implications = [...config.scopeImplications].flatMap(([broader, narrower]) => [broader, ...narrower])
  const tables = [config.toolScopes, config.promptScopes, config.resourceScopes].flatMap((table) => [...table.values()])
  return scopeList('scopes', joinScopes(config.requiredScopes, ...tables, implications))
}

/** The public facts of a server (`GET /api/servers/:id`); unlike its metadata they are there before it is verified. */
async function fetchServerUrl(config: Config, ask: AskIssuer): Promise<FixedUrl | undefined> {
  const init = { headers: { Accept: 'application/json' } }
  try {
    return await ask(`/api/servers/${config.serverId}`, init, (response) => readServerUrl(response, config))
  } catch {
    return undefined
  }
}

async function readServerUrl(response: Response, config: Config): Promise<FixedUrl | undefined> {
  if (response.status !== 200) {
    await response.body?.cancel()
    return undefined
  }
  const facts = parseJson((await readTextUpTo(response.body, MAX_FACTS_BYTES)) ?? '')
  if (!isRecord(facts) || facts.server_id !== config.serverId || typeof facts.server_url !== 'string') return undefined
  const serverUrl = parseServerUrl(facts.server_url)
  return typeof serverUrl === 'string' ? undefined : serverUrl
}
