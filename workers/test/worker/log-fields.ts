import * as z from 'zod/mini'
import { jobNames, loggedEvents } from '../../src/http/log.ts'

export type LogField = {
  readonly name: string
  /** Whether every line of its kind has it. */
  readonly isAlways: boolean
  readonly meaning: string
  /** What its values are, for a page and for the test that reads real lines. */
  readonly values: string
  readonly schema: z.ZodMiniType
}

export type LogKind = {
  readonly title: string
  readonly told: string
  /** Whether a line is of this kind. */
  readonly has: (line: Readonly<Record<string, unknown>>) => boolean
  readonly fields: readonly LogField[]
}

const oneOf = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(', ')

const count = z.int().check(z.nonnegative())

function field(name: string, values: string, schema: z.ZodMiniType, meaning: string): LogField {
  return { name, isAlways: true, meaning, values, schema }
}

function sometimes(name: string, values: string, schema: z.ZodMiniType, meaning: string): LogField {
  return { ...field(name, values, schema, meaning), isAlways: false }
}

const requestId = field(
  'request_id',
  '`req_` and 16 letters or digits',
  z.string().check(z.regex(/^req_[0-9A-Za-z]{16}$/)),
  'The reference of the request: also in its `X-Request-Id`, on error pages, and in the audit events that it caused.',
)

const reasonCode = z.string().check(z.regex(/^[a-z]+(?:_[a-z]+)*$/))

const cause = z.string().check(z.maxLength(500))

/** docs/logs.md is made from this list; a test holds it against lines that were really written. */
export const logKinds: readonly LogKind[] = [
  {
    title: 'A request',
    told: 'One line for each request that was answered, and nothing before it is answered.',
    has: (line) => 'route' in line,
    fields: [
      field(
        'level',
        '`info`, `warn`, `error`',
        z.enum(['info', 'warn', 'error']),
        '`error` for a status of 500 and above; `warn` where something outside went wrong and the request was answered all the same.',
      ),
      requestId,
      field('method', 'a method', z.string(), 'As it was asked.'),
      field(
        'route',
        'a pattern, or `none`',
        z.string().check(z.regex(/^(?:none|\/[^?]*)$/)),
        'The pattern that matched, such as `/api/servers/:id`: never the path or the query that was asked, which may hold a secret.',
      ),
      field('status', '200 to 599', z.int().check(z.gte(200), z.lte(599)), 'The status of the answer.'),
      sometimes(
        'reason',
        'a code of the [list of errors](errors.md), or an outcome',
        reasonCode,
        'Why it was refused, or why a token is inactive; the caller may have been told less.',
      ),
      sometimes(
        'event',
        oneOf(loggedEvents),
        z.enum(loggedEvents),
        'What would be an audit event, were its caller known: there is no row that a flood could multiply.',
      ),
      field(
        'ms',
        'milliseconds',
        count,
        'From the request to the answer. On Cloudflare the clock stands still while code runs.',
      ),
      field('database_calls', '0 and more', count, 'How many calls to the database it made.'),
      sometimes(
        'cause',
        'at most 500 characters',
        cause,
        'Name and message of an unexpected error. Whatever looks like a token, code, key or address is cut out.',
      ),
    ],
  },
  {
    title: 'A mail that was not taken',
    told: 'Mail leaves after the answer, so its failure has a line of its own.',
    has: (line) => line.reason === 'email_not_sent',
    fields: [
      field('level', '`error`', z.literal('error'), 'Always.'),
      requestId,
      field('reason', '`email_not_sent`', z.literal('email_not_sent'), 'Always.'),
      field('cause', 'at most 500 characters', cause, 'Who carries mail, and what came back; never the address.'),
    ],
  },
  {
    title: 'A scheduled job',
    told: 'One line for each job of a run.',
    has: (line) => 'job' in line,
    fields: [
      field(
        'level',
        '`info`, `error`',
        z.enum(['info', 'error']),
        '`error` where it failed; the other jobs run all the same.',
      ),
      field('job', oneOf(jobNames), z.enum(jobNames), 'Which one.'),
      field('ms', 'milliseconds', count, 'How long it took.'),
      field('database_calls', '0 and more', count, 'How many calls to the database it made; 0 where it failed.'),
      field(
        'rows',
        'an object of counts',
        z.record(z.string().check(z.regex(/^[a-z_]+$/)), count),
        'What it dealt with, by kind: rows removed, proofs and messages by their outcome.',
      ),
      sometimes('cause', 'at most 500 characters', cause, 'Why it failed.'),
    ],
  },
  {
    title: 'A server that is not configured',
    told: 'Written for every request while a variable is missing or wrong; each is answered 500.',
    has: (line) => line.reason === 'not_configured',
    fields: [
      field('level', '`error`', z.literal('error'), 'Always.'),
      field('reason', '`not_configured`', z.literal('not_configured'), 'Always.'),
      field('cause', 'text', z.string(), 'The variables and what is wrong with each; never a value.'),
    ],
  },
]
