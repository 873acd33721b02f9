import * as z from 'zod/mini'
import { type Check, type Problem, problem } from './findings.ts'
import { type Look, look } from './live-issuer.ts'

const clocksMayDifferMs = 5_000

const metadata = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
})

async function documentProblems(issuer: string, path: string): Promise<readonly Problem[]> {
  const { status, json } = await look(`${issuer}${path}`)
  const read = metadata.safeParse(json)
  if (status !== 200 || !read.success) return [problem.bad(`${path} is not there (status ${status})`)]
  const wrong = Object.entries(read.data).filter(
    ([name, value]) => /(?:_endpoint|_uri)$/.test(name) && !String(value).startsWith(`${issuer}/`),
  )
  return [
    ...(read.data.issuer === issuer ? [] : [problem.bad(`${path} says that the issuer is ${read.data.issuer}`)]),
    ...wrong.map(([name, value]) => problem.bad(`${path}: ${name} is ${String(value)}, not below ${issuer}`)),
  ]
}

/** Both documents say the same (RFC 8414 §3, OpenID Connect Discovery). */
async function metadataProblems(issuer: string): Promise<readonly Problem[]> {
  const paths = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']
  const problems = (await Promise.all(paths.map((path) => documentProblems(issuer, path)))).flat()
  if (problems.length > 0) return problems
  const [one, other] = await Promise.all(paths.map((path) => look(`${issuer}${path}`)))
  return one?.text === other?.text ? [] : [problem.bad('the two metadata documents differ')]
}

const keySet = z.object({ keys: z.array(z.object({ kid: z.string(), d: z.optional(z.unknown()) })) })

async function keySetProblems(issuer: string, kids: readonly string[] | undefined): Promise<readonly Problem[]> {
  const { json } = await look(`${issuer}/.well-known/jwks.json`)
  const keys = keySet.safeParse(json)
  if (!keys.success) return [problem.bad('there is no key set')]
  if (keys.data.keys.some(({ d }) => d !== undefined)) return [problem.bad('a private key is published')]
  if (kids === undefined) return []
  const published = keys.data.keys.map(({ kid }) => kid)
  const missing = kids.filter((kid) => !published.includes(kid))
  const strange = published.filter((kid) => !kids.includes(kid))
  return [
    ...missing.map((kid) => problem.bad(`${kid} of SIGNING_KEYS is not published: the file is newer than what runs`)),
    ...strange.map((kid) =>
      problem.bad(`${kid} is published and not in SIGNING_KEYS: the file is older than what runs`),
    ),
  ]
}

function headerProblems(issuer: string, { headers }: Look): readonly Problem[] {
  const isHttps = issuer.startsWith('https:')
  return isHttps && headers.get('strict-transport-security') === null
    ? [problem.bad('there is no Strict-Transport-Security header: something before the Worker removes it')]
    : []
}

function clockProblems({ headers }: Look): readonly Problem[] {
  const date = headers.get('date')
  if (date === null) return []
  const differenceMs = Math.abs(Date.parse(date) - Date.now())
  // The header has whole seconds.
  return differenceMs <= clocksMayDifferMs + 1_000
    ? []
    : [problem.bad(`it differs by ${Math.round(differenceMs / 1_000)} s`)]
}

/** The running server as the world sees it; `kids` are those of the file that it should run with. */
export function issuerChecks(issuer: string, kids: readonly string[] | undefined): readonly Check[] {
  const deploy = 'Deploy it: npm run deploy, or restart the service on one machine.'
  return [
    {
      name: 'server reachable',
      mend: deploy,
      run: async () => {
        const health = await look(`${issuer}/health`)
        return health.status === 200
          ? headerProblems(issuer, health)
          : [problem.bad(`/health answers ${health.status}`)]
      },
    },
    {
      name: 'server ready',
      mend: 'Its log line of /ready has the reason; the access of the Worker and the schema version are checked above.',
      run: async () => {
        const { status } = await look(`${issuer}/ready`)
        return status === 200 ? [] : [problem.bad(`/ready answers ${status}`)]
      },
    },
    { name: 'metadata', mend: deploy, run: () => metadataProblems(issuer) },
    { name: 'signing keys', mend: deploy, run: () => keySetProblems(issuer, kids) },
    {
      name: 'clock of the server',
      mend: 'Let its machine keep its time by NTP.',
      run: async () => clockProblems(await look(`${issuer}/health`)),
    },
  ]
}
