import { openMail } from './mailbox.ts'

/** One answer as a browser without JavaScript sees it; our own redirects have been followed. */
export type FormPage = {
  readonly status: number
  readonly headers: Headers
  readonly html: string
  /** Where a redirect that leaves our pages points; null while we are on one of them. */
  readonly leftTo: URL | null
  /** The page of ours that a redirect led to; null where there was none. Who reloads, opens this one. */
  readonly ledTo: URL | null
}

export type FormPerson = {
  readonly email: string
  readonly open: (url: URL) => Promise<FormPage>
  /** Posts the form of the page that goes to `action`, with its hidden fields and these. */
  readonly submit: (
    page: FormPage,
    action: string,
    fields: Record<string, string | readonly string[]>,
  ) => Promise<FormPage>
  readonly signIn: (page: FormPage) => Promise<FormPage>
  /** Opens the link, signs in where asked, approves all scopes of the page or those given, and returns the callback. */
  readonly approve: (url: URL, scopes?: readonly string[]) => Promise<URL>
}

const entities: Record<string, string> = { '&amp;': '&', '&quot;': '"', '&#39;': "'", '&lt;': '<', '&gt;': '>' }
const unescapeHtml = (text: string) => text.replace(/&(?:amp|quot|#39|lt|gt);/g, (entity) => entities[entity] ?? entity)

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return value === undefined ? undefined : unescapeHtml(value)
}

function formOf(page: FormPage, issuer: string, action: string): string {
  const forms = page.html.match(/<form[\s\S]*?<\/form>/g) ?? []
  const form = forms.find((text) => new URL(attribute(text, 'action') ?? '', issuer).pathname === action)
  if (form === undefined)
    throw new Error(`status ${page.status}: no form posts to ${action} in ${page.html.slice(0, 2000)}`)
  return form
}

function hiddenFields(form: string): [string, string][] {
  const inputs = (form.match(/<input[^>]*>/g) ?? []).filter((tag) => attribute(tag, 'type') === 'hidden')
  return inputs.map((tag) => [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? ''])
}

export function scopesShown(page: FormPage): string[] {
  const boxes = (page.html.match(/<input[^>]*>/g) ?? []).filter((tag) => attribute(tag, 'name') === 'scope')
  return boxes.map((tag) => attribute(tag, 'value') ?? '')
}

/** A browser for one origin: keeps its cookies, follows our redirects, stops where one leads away. */
function openBrowser(issuer: string) {
  const cookies = new Map<string, string>()
  const keep = (headers: Headers) => {
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || /max-age=0(?:;|$)/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
  }
  return async function go(url: URL, init: RequestInit = {}, ledTo: URL | null = null): Promise<FormPage> {
    const headers = new Headers(init.headers)
    if (cookies.size > 0) headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    keep(response.headers)
    const location = response.headers.get('location')
    const target = location === null ? null : new URL(location, url)
    if (target?.origin === issuer) return go(target, {}, target)
    return { status: response.status, headers: response.headers, html: await response.text(), leftTo: target, ledTo }
  }
}

/** Somebody who uses our pages by plain form posts, as a browser without JavaScript would. */
export function meetFormPerson(place: { issuer: string; mailboxUrl: string }): FormPerson {
  const { issuer } = place
  const email = `person-${crypto.randomUUID()}@example.com`
  const mail = openMail(place.mailboxUrl, email)
  const go = openBrowser(issuer)
  const submit: FormPerson['submit'] = (page, action, fields) => {
    const body = new URLSearchParams(hiddenFields(formOf(page, issuer, action)))
    for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) body.append(name, each)
    return go(new URL(action, issuer), { method: 'POST', body, headers: { origin: issuer } })
  }
  const signIn: FormPerson['signIn'] = async (page) => {
    const sent = await submit(page, '/sign-in', { email })
    return submit(sent, '/sign-in/code', { code: await mail.nextCode() })
  }
  const approve: FormPerson['approve'] = async (url, scopes) => {
    const first = await go(url)
    const consent = first.html.includes('name="decision"') || first.leftTo ? first : await signIn(first)
    if (consent.leftTo) return consent.leftTo
    const decided = await submit(consent, '/consent', { decision: 'approve', scope: scopes ?? scopesShown(consent) })
    if (decided.leftTo === null)
      throw new Error(`approving led to status ${decided.status}: ${decided.html.slice(0, 2000)}`)
    return decided.leftTo
  }
  return { email, open: (url) => go(url), submit, signIn, approve }
}
