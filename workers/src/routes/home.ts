import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { htmlAnswer } from '../http/html.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { frameOf } from '../http/transaction-pages.tsx'
import { HomePage } from '../pages/home.tsx'
import { Favicon } from '../pages/mark.tsx'

/** What this is, and how to start. */
export const homeRoute = new Hono<AppEnv>()
  .get('/', (c) => htmlAnswer(c, HomePage({ frame: frameOf(c), issuer: c.var.config.issuer })))
  .get('/favicon.svg', (c) =>
    c.body(Favicon().toString(), 200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'public, max-age=86400' }),
  )
  .onError(answerWithPage)
