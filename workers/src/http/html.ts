import type { Context } from 'hono'
import { html } from 'hono/html'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../context.ts'
import { type FormAction, pageHeaders } from './html-headers.ts'

type PageOptions = { readonly status?: ContentfulStatusCode; readonly formAction?: FormAction }

/** Answers with a page of `pages/` and the headers that belong to one. */
export async function htmlAnswer(c: Context<AppEnv>, page: JSX.Element, options: PageOptions = {}): Promise<Response> {
  const headers = await pageHeaders(options.formAction ?? 'self')
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  return c.html(html`<!doctype html>${page}`, options.status ?? 200)
}
