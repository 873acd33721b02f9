import { randomUUID, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { type Listening, listen, readBody } from './http.ts'
import { mailboxPage, messageHeaders, pageHeaders } from './mailbox-page.ts'

export type Message = {
  id: string
  to: string
  subject: string
  text: string
  /** Absent where the sender gave plain text alone. */
  html?: string
  received_at: string
}

export type MailboxOptions = {
  port?: number
  /** The bearer secret with which a message can be put in. */
  secret: string
  /** A file that keeps the messages across restarts; absent means in memory. */
  file?: string
}

export type Mailbox = { url: string; messages: () => readonly Message[]; close: () => Promise<void> }

const bodyLimitBytes = 64 * 1024
const messagesKept = 200

/** Starts the mailbox that stands in for e-mail: a page to read, and the newest 200 messages as JSON. */
export async function startMailbox({ port = 0, secret, file }: MailboxOptions): Promise<Mailbox> {
  const store = await openMessages(file)
  const listener = (request: IncomingMessage, response: ServerResponse) => void answer(store, secret, request, response)
  const listening: Listening = await listen(listener, port, 'the mailbox')
  return { url: listening.url, messages: store.list, close: listening.close }
}

type Messages = { list: () => readonly Message[]; add: (message: Message) => Promise<void> }

async function openMessages(file: string | undefined): Promise<Messages> {
  let newestFirst: readonly Message[] = file === undefined ? [] : await readMessages(file)
  let writing = Promise.resolve()
  const add = (message: Message): Promise<void> => {
    newestFirst = [message, ...newestFirst].slice(0, messagesKept)
    if (file !== undefined) writing = writing.then(() => writeMessages(file, newestFirst))
    return writing
  }
  return { list: () => newestFirst, add }
}

async function readMessages(file: string): Promise<Message[]> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return Array.isArray(value) ? value.filter(isMessage) : []
  } catch {
    // No file yet, or one that a power cut left half written: an empty mailbox is no loss.
    return []
  }
}

async function writeMessages(file: string, messages: readonly Message[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, JSON.stringify(messages), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

async function answer(
  messages: Messages,
  secret: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, bodyLimitBytes).catch(() => undefined)
  const path = new URL(request.url ?? '/', 'http://mailbox').pathname
  const route = `${request.method === 'HEAD' ? 'GET' : request.method} ${path}`
  if (!isLoopbackHost(request.headers.host)) return sendJson(response, 403, refusal('host', 'Ask for localhost.'))
  if (route === 'GET /') return sendPage(response, messages.list())
  const shown = messages.list().find(({ id }) => route === `GET /messages/${id}`)
  if (shown?.html !== undefined) return void response.writeHead(200, messageHeaders).end(shown.html)
  if (route === 'GET /api/messages') return sendJson(response, 200, messages.list())
  if (route === 'POST /api/messages') return receive(messages, secret, request, response, body)
  sendJson(
    response,
    404,
    refusal('not_found', 'There are GET /, GET /messages/ID, GET /api/messages and POST /api/messages.'),
  )
}

async function receive(
  messages: Messages,
  secret: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: string | undefined,
): Promise<void> {
  if (!isBearer(request.headers.authorization, secret)) {
    return sendJson(response, 401, refusal('unauthorized', 'The bearer secret is missing or wrong.'))
  }
  const message = body === undefined ? undefined : messageOf(body)
  if (message === undefined) {
    return sendJson(
      response,
      400,
      refusal('invalid_message', 'Send {"to", "subject", "text", "html"?} as JSON, 64 KiB at most.'),
    )
  }
  await messages.add(message)
  sendJson(response, 201, { id: message.id })
}

// A page on another site can point its own name at 127.0.0.1; such a request still says the other name.
function isLoopbackHost(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host ?? '')
}

function isBearer(authorization: string | undefined, secret: string): boolean {
  const given = Buffer.from(authorization ?? '')
  const wanted = Buffer.from(`Bearer ${secret}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function messageOf(body: string): Message | undefined {
  try {
    const given: unknown = JSON.parse(body)
    if (typeof given !== 'object' || given === null) return undefined
    const message = { ...given, id: randomUUID(), received_at: new Date().toISOString() }
    return isMessage(message) ? pick(message) : undefined
  } catch {
    return undefined
  }
}

function pick({ id, to, subject, text, html, received_at }: Message): Message {
  return { id, to, subject, text, ...(html !== undefined && { html }), received_at }
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null) return false
  const members = ['id', 'to', 'subject', 'text', 'received_at']
  const html: unknown = Reflect.get(value, 'html')
  if (html !== undefined && typeof html !== 'string') return false
  return members.every((member) => typeof Reflect.get(value, member) === 'string')
}

function refusal(error: string, description: string): object {
  return { error, error_description: description }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' }
  response.writeHead(status, { ...headers, 'X-Content-Type-Options': 'nosniff' }).end(JSON.stringify(body))
}

function sendPage(response: ServerResponse, messages: readonly Message[]): void {
  response.writeHead(200, pageHeaders).end(mailboxPage(messages))
}
