/** Rewrites a stream of server-sent events piece by piece. */
export type EventFilter = Readonly<{
  /** What may go on now that this has come. */
  push: (text: string) => string
  /** What is left when nothing more comes. */
  end: () => string
}>

type Line = { content: string; ending: string }

/**
 * Lines end with CRLF, LF or CR, and an event with an empty line (WHATWG HTML §9.2.6). Every line goes on as soon as it
 * is whole, comments that keep a connection alive among them, but the `data` lines of an event: they wait for its end,
 * because only together they are a message.
 */
export function createEventFilter(rewrite: (message: string) => string): EventFilter {
  const event = holdEvent(rewrite)
  let open = '' // the line that has no end yet
  let last: Line | undefined // the one whose CR may be the first half of a CRLF

  function take(content: string, ending: string): string {
    const line = { content, ending }
    last = ending === '\r' ? line : undefined
    if (content === '') return event.close() + ending
    return isData(content) ? event.hold(line) : content + ending
  }

  return Object.freeze({
    push(text: string) {
      if (text === '') return ''
      const isLf = open === '' && last !== undefined && text.startsWith('\n')
      const piece = isLf ? text.slice(1) : text
      let passed = isLf ? event.takeLf(last) : ''
      let start = 0
      last = undefined
      for (const { 0: ending, index } of piece.matchAll(/\r\n|\n|\r/g)) {
        passed += take(open + piece.slice(start, index), ending)
        open = ''
        start = index + ending.length
      }
      open += piece.slice(start)
      return passed
    },
    // A reader drops an event without its empty line; one that does not must not see more for it.
    end: () => (isData(open) ? event.hold({ content: open, ending: '' }) + event.close() : event.close() + open),
  })
}

function isData(line: string): boolean {
  return line === 'data' || line.startsWith('data:')
}

/** The `data` lines of the event that is coming in. */
function holdEvent(rewrite: (message: string) => string) {
  let held: Line[] = []
  return {
    hold(line: Line): string {
      held.push(line)
      return ''
    },
    close(): string {
      const written = held.map(({ content, ending }) => content + ending).join('')
      const message = held.map(({ content }) => content.replace(/^data:? ?/, '')).join('\n')
      held = []
      const rewritten = message === '' ? message : rewrite(message)
      return rewritten === message ? written : `data: ${rewritten}\n`
    },
    /** The LF of a CRLF whose CR was in the piece before: it belongs to its line, wherever that is. */
    takeLf(line: Line | undefined): string {
      if (line === undefined || !held.includes(line)) return '\n'
      line.ending = '\r\n'
      return ''
    },
  }
}
