import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { cacheableJson } from '../http/etag.ts'
import { htmlAnswer } from '../http/html.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { frameOf } from '../http/transaction-pages.tsx'
import { ApiDocsPage } from '../pages/api-docs.tsx'
import { describeOperations, openApiDocument } from '../protocol/api-description.ts'

/** The management API for programs (OpenAPI 3.1), and the same for people: a page of ours, because viewers need scripts. */
export const openApiRoute = new Hono<AppEnv>()
  .get('/openapi.json', (c) => cacheableJson(c, openApiDocument))
  .get('/docs', (c) => htmlAnswer(c, ApiDocsPage({ frame: frameOf(c), operations: describeOperations() })))
  .onError(answerWithPage)
