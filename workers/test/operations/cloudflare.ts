import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen } from 'auth-agent-mcp-local/src/http.ts'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

type Binding = { name: string; type: string; text?: string }

/** What is known of the account; tests change it before they deploy. */
export type AccountState = {
  token: string
  zones: { id: string; name: string; status: string }[]
  dnsRecords: { type: string; name: string }[]
  domains: { hostname: string; service: string }[]
  subdomain: { enabled: boolean; previews_enabled: boolean }
  schedules: { cron: string }[]
  bindings: Binding[] | undefined
}

export type Cloudflare = {
  /** What CLOUDFLARE_API_BASE_URL is set to. */
  readonly url: string
  readonly state: AccountState
  /** A request to the Worker that was uploaded, under its own host. */
  readonly dispatch: (url: string, init?: RequestInit) => Promise<Response>
  readonly close: () => Promise<void>
}

const accountId = 'a'.repeat(32)

const emptyState = (): AccountState => ({
  token: 'token_of_the_account',
  zones: [{ id: 'zone1', name: 'example.com', status: 'active' }],
  dnsRecords: [],
  domains: [],
  subdomain: { enabled: true, previews_enabled: true },
  schedules: [],
  bindings: undefined,
})

export const cloudflareVariables = (cloudflare: Cloudflare): Record<string, string> => ({
  CLOUDFLARE_ACCOUNT_ID: accountId,
  CLOUDFLARE_API_TOKEN: cloudflare.state.token,
})

/** How the Worker reaches others. */
export type Outbound = (request: Request) => Promise<Response>

type Worker = { current: Miniflare | undefined; readonly outbound: Outbound }
type Asked = { method: string; path: string; query: URLSearchParams; body: Buffer; type: string }
type Result = { result: unknown } | { status: number; code: number; message: string }

const missing = (code: number, message: string): Result => ({ status: 404, code, message })

/** The parts of an upload: the metadata, and each module under its name. */
async function takeUpload(state: AccountState, worker: Worker, { body, type }: Asked): Promise<Result> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData()
  const metadata = JSON.parse(String(form.get('metadata'))) as {
    main_module: string
    bindings: Binding[]
    compatibility_date: string
    compatibility_flags: string[]
  }
  const modules: { type: 'ESModule'; path: string; contents: string }[] = []
  for (const [name, part] of form) {
    if (part instanceof File && part.type === 'application/javascript+module') {
      modules.push({ type: 'ESModule', path: name, contents: await part.text() })
    }
  }
  modules.sort(({ path }) => (path === metadata.main_module ? -1 : 1))
  state.bindings = metadata.bindings
  await worker.current?.dispose()
  worker.current = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      modules,
      modulesRoot: '/',
      compatibilityDate: metadata.compatibility_date,
      compatibilityFlags: metadata.compatibility_flags,
      outboundService: (request) => worker.outbound(request as never) as never,
      bindings: Object.fromEntries(
        metadata.bindings.flatMap(({ name, text }) => (text === undefined ? [] : [[name, text]])),
      ),
    }),
  )
  await worker.current.ready
  return {
    result: {
      id: 'worker',
      etag: 'etag',
      startup_time_ms: 5,
      deployment_id: 'deployment',
      metadata: { has_preview: false },
      resources: { script: { etag: 'etag', handlers: ['fetch', 'scheduled'] } },
    },
  }
}

/** Paths and answers as wrangler 4.155 and our checks ask for them; shapes as https://developers.cloudflare.com/api/ has them. */
function answerOf(state: AccountState, worker: Worker, request: Asked): Promise<Result> | Result {
  const { method, path, query, body } = request
  const account = `/accounts/${accountId}`
  const [, service = '', rest = ''] = /\/workers\/scripts\/([^/]+)(.*)$/.exec(path) ?? []
  const isThere = state.bindings !== undefined
  if (path === account) return { result: { id: accountId, name: 'Somebody' } }
  if (path === `${account}/workers/scripts`) return { result: [] }
  if (path.endsWith('/dns_records'))
    return { result: state.dnsRecords.filter(({ name }) => name === query.get('name')) }
  if (path === '/zones') return { result: state.zones.filter(({ name }) => name === query.get('name')) }
  if (path === `${account}/workers/domains`) {
    return { result: state.domains.filter(({ hostname }) => hostname === query.get('hostname')) }
  }
  if (path.includes('/workers/services/')) {
    return isThere
      ? {
          result: {
            default_environment: {
              environment: 'production',
              script: { id: service, tag: 'tag', tags: [], last_deployed_from: 'wrangler' },
            },
          },
        }
      : missing(10090, 'This service does not exist')
  }
  if (path.includes('/workers/workers/')) return { result: { subdomain: state.subdomain } }
  // The first upload makes the Worker; later ones are versions that are deployed by themselves.
  if (method === (rest === '' ? 'PUT' : 'POST') && (rest === '' || rest === '/versions'))
    return takeUpload(state, worker, request)
  if (rest === '/subdomain') {
    if (method === 'POST') state.subdomain = JSON.parse(body.toString())
    return { result: state.subdomain }
  }
  if (rest === '/schedules') {
    if (method === 'PUT') state.schedules = JSON.parse(body.toString())
    return { result: { schedules: state.schedules } }
  }
  if (rest === '/settings') {
    // Values of secrets are never given back.
    const bindings = state.bindings?.map(({ text: _, ...binding }) => binding)
    return isThere ? { result: { bindings } } : missing(10007, 'This Worker does not exist on your account')
  }
  if (rest.startsWith('/domains/changeset')) return { result: { added: [], removed: [], updated: [], conflicting: [] } }
  if (rest === '/domains/records') {
    const { origins } = JSON.parse(body.toString()) as { origins: { hostname: string }[] }
    state.domains = origins.map(({ hostname }) => ({ hostname, service }))
    return { result: null }
  }
  if (rest === '/deployments') return { result: { id: 'deployment', deployments: [] } }
  if (rest === '/script-settings') return { result: {} }
  return missing(7003, `Could not route to ${path}`)
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const type = request.headers['content-type'] ?? ''
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    body: Buffer.concat(pieces),
    type,
  }
}

/** An account of Cloudflare's on this machine: real enough for wrangler, and what is uploaded runs in workerd. */
export async function openCloudflare(outbound: Outbound): Promise<Cloudflare> {
  const state = emptyState()
  const worker: Worker = { current: undefined, outbound }
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming)
    const isAllowed = incoming.headers.authorization === `Bearer ${state.token}`
    const answer = isAllowed
      ? await answerOf(state, worker, request)
      : { status: 403, code: 9109, message: 'Invalid access token' }
    const isGood = 'result' in answer
    const errors = isGood ? [] : [{ code: answer.code, message: answer.message }]
    const wrapped = { success: isGood, errors, messages: [], result: isGood ? answer.result : null }
    response
      .writeHead(isGood ? 200 : answer.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(wrapped))
  }
  const server = await listen((request, response) => void handle(request, response), 0, 'Cloudflare')
  return {
    url: server.url,
    state,
    dispatch: async (url, init) => {
      if (worker.current === undefined) throw new TypeError('fetch failed')
      const { redirect, signal: _, ...rest } = init ?? {}
      const answer = await worker.current.dispatchFetch(url, { redirect, ...rest } as never)
      return answer as unknown as Response
    },
    close: async () => {
      await worker.current?.dispose()
      await server.close()
    },
  }
}
