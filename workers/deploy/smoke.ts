import { issuerChecks } from '../operations/check-issuer.ts'
import { type Check, type Problem, problem } from '../operations/findings.ts'
import { type Look, look } from '../operations/live-issuer.ts'
import type { Plan } from './plan.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

type Expectation = {
  readonly what: string
  readonly path: string
  readonly init?: RequestInit
  readonly isRight: (seen: Look) => boolean
}

const errorOf = ({ json }: Look): unknown =>
  typeof json === 'object' && json !== null && 'error' in json ? json.error : undefined

/** A few requests whose answers show that every layer is there: pages, tokens, keys, management, and nothing by accident. */
const expectations: readonly Expectation[] = [
  {
    what: 'an authorization without a client is a page, with its policy',
    path: '/authorize',
    isRight: ({ status, headers }) =>
      status === 400 && (headers.get('content-security-policy') ?? '').includes("default-src 'none'"),
  },
  {
    what: 'a token request without a grant is refused and not stored',
    path: '/token',
    init: { method: 'POST', headers: form, body: 'client_id=smoke' },
    isRight: (seen) => seen.status >= 400 && seen.status < 500 && seen.headers.get('cache-control') === 'no-store',
  },
  {
    what: 'introspection wants a key',
    path: '/introspect',
    init: { method: 'POST', headers: form, body: 'token=smoke' },
    isRight: ({ status }) => status === 401,
  },
  {
    what: 'management wants a credential',
    path: '/api/servers',
    isRight: ({ status }) => status === 401,
  },
  {
    what: 'an account wants a sign-in',
    path: '/account',
    isRight: ({ status, headers }) => status === 303 && (headers.get('location') ?? '').includes('/sign-in'),
  },
  {
    what: 'unknown paths are a small JSON 404',
    path: '/.well-known/nothing',
    isRight: (seen) => seen.status === 404 && errorOf(seen) !== undefined,
  },
]

async function answerProblems(issuer: string): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const { what, path, init, isRight } of expectations) {
    const seen = await look(`${issuer}${path}`, init)
    if (!isRight(seen)) problems.push(problem.bad(`${path} answers ${seen.status}, but ${what}`))
  }
  return problems
}

/** A redirect to https would come after the secret had travelled (M16). */
async function plainHttpProblems(issuer: string): Promise<readonly Problem[]> {
  const url = `${issuer.replace(/^https:/, 'http:')}/token`
  const seen = await look(url, { method: 'POST', headers: form, body: 'token=smoke' }).catch(() => undefined)
  if (seen === undefined || (seen.status >= 400 && seen.status < 500)) return []
  return [problem.bad(`${url} answers ${seen.status}`)]
}

/** The live server, as the world sees it after a deployment. */
export function smokeChecks({ config, environment }: Plan): readonly Check[] {
  if (config === undefined) return []
  const { issuer, signingKeys } = config
  const kids = signingKeys.map(({ kid }) => kid)
  const mend = 'Roll back with npx wrangler rollback in workers/, then look at the log.'
  return [
    ...issuerChecks(issuer, kids),
    { name: 'answers', mend, run: () => answerProblems(issuer) },
    ...(environment === 'local'
      ? []
      : [
          {
            name: 'plain http',
            mend: 'Switch off Always Use HTTPS for this host at Cloudflare: the Worker refuses http by itself.',
            run: () => plainHttpProblems(issuer),
          },
        ]),
  ]
}
