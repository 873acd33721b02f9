import type { Context } from 'hono'
import { html } from 'hono/html'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../context.ts'
import { type FormAction, type PageScript, pageHeaders } from './html-headers.ts'
import { languageOf } from './language.ts'

type PageOptions = {
  readonly status?: ContentfulStatusCode
  readonly formAction?: FormAction
  readonly script?: PageScript | undefined
}

/** Answers with a page of `pages/` and the headers that belong to one. */
export async function htmlAnswer(c: Context<AppEnv>, page: JSX.Element, options: PageOptions = {}): Promise<Response> {
  const headers = await pageHeaders(options.formAction ?? 'self', options.script)
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  c.header('Content-Language', languageOf(c))
  return c.html(html`<!doctype html>${page}`, options.status ?? 200)
}
