/** Somebody with a cookie jar who fills in our forms, without a browser: enough to get one approved connection to measure with. */
import { createHash, randomBytes } from 'node:crypto'

export type Place = { issuer: string; latestMail: () => { to: string; text: string } | undefined }
export type OwnServer = { server_id: string; server_url: string; api_key: string }
export type ApprovedCode = { code: string; redirect_uri: string; code_verifier: string; client_id: string }

export const scopes = ['files:read', 'files:write']
const client_id = 'client_claude_code'
const redirect_uri = 'http://localhost:33418/callback'

async function postJson(url: string, body: unknown, token?: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (answer.status !== 201) throw new Error(`POST ${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}

/** Registers a server and makes a key, as the README tells an owner to. */
export async function registerOwnServer(issuer: string): Promise<OwnServer> {
  const server_url = 'http://localhost:33417/mcp'
  const registered = await postJson(`${issuer}/api/servers`, { server_url, server_name: 'Bench', scopes })
  const server_id = String(registered.server_id)
  const keys = `${issuer}/api/servers/${server_id}/keys`
  const key = await postJson(keys, { name: 'bench' }, String(registered.management_token))
  return { server_id, server_url, api_key: String(key.key_secret) }
}

/** A browser's memory: cookies and the page it is on. */
class Jar {
  readonly #cookies = new Map<string, string>()
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  /** Follows redirects on our own origin; gives the last answer. */
  async visit(url: string, form?: Record<string, string | string[]>): Promise<Response> {
    const answer = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: {
        Cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        Origin: this.#origin,
      },
      ...(form !== undefined && { body: formBody(form) }),
    })
    for (const cookie of answer.headers.getSetCookie()) this.#keep(cookie)
    const location = answer.headers.get('Location')
    if (location === null || new URL(location, url).origin !== this.#origin) return answer
    return this.visit(new URL(location, url).href)
  }

  #keep(cookie: string): void {
    const [name, value] = (cookie.split(';')[0] ?? '').split('=')
    if (name !== undefined && value !== undefined) this.#cookies.set(name, value)
  }
}

function formBody(form: Record<string, string | string[]>): URLSearchParams {
  return new URLSearchParams(Object.entries(form).flatMap(([name, value]) => [value].flat().map((one) => [name, one])))
}

/** The hidden fields of the form that posts to a path. */
async function hiddenFields(page: Response, action: string): Promise<Record<string, string>> {
  const html = await page.text()
  const form = html.split('<form').find((part) => new RegExp(`^[^>]*action="[^"]*${action}"`).test(part))
  if (form === undefined) throw new Error(`the page (${page.status}) has no form for ${action}: ${html.slice(0, 2000)}`)
  const inputs = form.split('</form>')[0]?.match(/<input[^>]*type="hidden"[^>]*>/g) ?? []
  return Object.fromEntries(
    inputs.map((tag) => [/name="([^"]*)"/.exec(tag)?.[1] ?? '', /value="([^"]*)"/.exec(tag)?.[1] ?? '']),
  )
}

async function mailedCode(place: Place, email: string): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const mail = place.latestMail()
    const code = mail?.to.includes(email) ? /\b\d{4}[ -]?\d{4}\b/.exec(mail.text)?.[0].replace(/\D/g, '') : undefined
    if (code !== undefined) return code
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('no mail with a code arrived')
}

/** Goes from /authorize through sign-in and consent to a code that nobody has used yet. */
export async function approve(place: Place, server: OwnServer): Promise<ApprovedCode> {
  const { issuer } = place
  const jar = new Jar(issuer)
  const email = 'bench@example.com'
  const code_verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const request = { response_type: 'code', client_id, redirect_uri, code_challenge, code_challenge_method: 'S256' }
  const query = new URLSearchParams({
    ...request,
    state: 'bench',
    resource: server.server_url,
    scope: scopes.join(' '),
  })
  const signIn = await hiddenFields(await jar.visit(`${issuer}/authorize?${query}`), '/sign-in')
  const codePage = await jar.visit(`${issuer}/sign-in`, { ...signIn, email })
  const fields = await hiddenFields(codePage, '/sign-in/code')
  const consentPage = await jar.visit(`${issuer}/sign-in/code`, { ...fields, code: await mailedCode(place, email) })
  const consent = { ...(await hiddenFields(consentPage, '/consent')), decision: 'approve', scope: scopes }
  const landed = await jar.visit(`${issuer}/consent`, consent)
  const code = new URL(landed.headers.get('Location') ?? issuer).searchParams.get('code')
  if (code === null) throw new Error(`consent gave no code: ${landed.status} ${await landed.text()}`)
  return { code, redirect_uri, code_verifier, client_id }
}
