import type { ListFilter } from './list-filter.ts'

/** How the body of an answer is read, by its headers. */
export type AnswerForm = 'json' | 'events' | 'encoded' | 'other'

export function formOfAnswer(contentType: string | null, contentEncoding: string | null): AnswerForm {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const form =
    mediaType === 'text/event-stream' ? 'events' : /^application\/([^/]+\+)?json$/.test(mediaType) ? 'json' : 'other'
  // A list that cannot be read cannot be cut down, and is not sent.
  return form !== 'other' && (contentEncoding ?? 'identity').toLowerCase() !== 'identity' ? 'encoded' : form
}

/** What is sent instead of a list that cannot be read. */
export const UNREADABLE = Object.freeze({
  status: 500,
  headers: { 'cache-control': 'no-store', 'content-type': 'application/json' },
  text: JSON.stringify({
    jsonrpc: '2.0',
    id: null,
    error: { code: -32603, message: 'Internal error: the answer was encoded before its lists could be filtered' },
  }),
})

/** The answer with its lists cut down: JSON when it is whole, events as they come. */
export async function filterAnswer(response: Response, filter: ListFilter): Promise<Response> {
  const { headers, body } = response
  if (body === null) return response
  switch (formOfAnswer(headers.get('content-type'), headers.get('content-encoding'))) {
    case 'json':
      return likewise(filter.json(await response.text()), response)
    case 'events':
      return likewise(body.pipeThrough(filterEvents(filter)), response)
    case 'encoded':
      filter.unreadable()
      await body.cancel()
      return new Response(UNREADABLE.text, UNREADABLE)
    default:
      return response
  }
}

function likewise(body: string | ReadableStream<Uint8Array>, { status, statusText, headers }: Response): Response {
  const copied = new Headers(headers)
  copied.delete('content-length')
  return new Response(body, { status, statusText, headers: copied })
}

function filterEvents(filter: ListFilter): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  const events = filter.events()
  const send = (text: string, controller: TransformStreamDefaultController<Uint8Array>) => {
    if (text !== '') controller.enqueue(encoder.encode(text))
  }
  return new TransformStream({
    transform: (chunk, controller) => send(events.push(decoder.decode(chunk, { stream: true })), controller),
    flush: (controller) => send(events.push(decoder.decode()) + events.end(), controller),
  })
}
