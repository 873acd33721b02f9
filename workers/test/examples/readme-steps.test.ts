import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExampleLanguage } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import { type GuardedProcess, startGuarded } from 'auth-agent-mcp-local/scripts/guarded-process.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { place } from '../conformance/place.ts'
import { bearer, connect } from '../conformance/program.ts'
import { readmeBlock, runCurl } from '../support/readme.ts'
import { examples, python } from './examples.ts'

const root = join(import.meta.dirname, '../../..')
/** The commands of the first two steps, and the code of the third, as they stand on the page. */
const register = readmeBlock('sh', '/api/servers -H')
const makeKey = readmeBlock('sh', '/keys -H')
const code: Readonly<Record<ExampleLanguage, string>> = {
  typescript: readmeBlock('ts', 'authAgentMiddleware({\n'),
  python: readmeBlock('python', 'os.environ'),
}

/** What a reader adds to have the code listen somewhere. */
const listening: Readonly<Record<ExampleLanguage, string>> = {
  typescript: `
import { serve } from '@hono/node-server'
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
`,
  python: '',
}

async function takeSteps(language: ExampleLanguage) {
  const port = await freePort()
  const url = `http://localhost:${port}/mcp`
  const here = (command: string) =>
    command.replaceAll('http://localhost:9400', place.issuer).replaceAll('http://localhost:3000/mcp', url)
  const { server_id = '', management_token = '' } = await runCurl(here(register))
  const { key_secret = '' } = await runCurl(
    here(makeKey).replace('SERVER_ID', server_id).replace('MANAGEMENT_TOKEN', management_token),
  )
  // Inside a package that has the SDK and its framework at hand, as a reader's own.
  const folder = await mkdtemp(join(root, 'examples/typescript-server/test/.docs-readme-'))
  const file = join(folder, language === 'python' ? 'main.py' : 'main.ts')
  await writeFile(file, code[language] + listening[language])
  const uvicorn = [python, '-m', 'uvicorn', 'main:app', '--port', String(port)]
  const program = startGuarded({
    command: language === 'python' ? uvicorn : [process.execPath, file],
    cwd: folder,
    env: {
      AUTH_AGENT_ISSUER: place.issuer,
      AUTH_AGENT_SERVER_ID: server_id,
      AUTH_AGENT_API_KEY: key_secret,
      PORT: String(port),
    },
    logFile: join(folder, 'program.log'),
  })
  return { url, folder, program }
}

async function untilItAnswers(url: string, program: GuardedProcess): Promise<void> {
  let isOver = false
  void program.ended.then(() => {
    isOver = true
  })
  while ((await fetch(url).catch(() => undefined)) === undefined) {
    if (isOver) throw new Error(program.lastLines())
    await delay(20)
  }
}

describe.each(examples.map(({ language }) => language))("the README's three steps in %s", (language) => {
  let taken: Awaited<ReturnType<typeof takeSteps>>
  beforeAll(async () => {
    taken = await takeSteps(language)
    await untilItAnswers(taken.url, taken.program)
  })
  afterAll(async () => {
    await taken?.program.stop()
    await rm(taken.folder, { recursive: true, force: true })
  })

  it('protect a server: a challenge without a token, its metadata, and the person behind a good one', async () => {
    const { origin } = new URL(taken.url)
    const files = (headers: Record<string, string> = {}) => fetch(`${origin}/api/files`, { headers })
    const refused = await files()
    expect(refused.status).toBe(401)
    const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer scope="files:read", resource_metadata="${metadataUrl}"`,
    )
    const metadata = await (await fetch(metadataUrl)).json()
    expect(metadata).toMatchObject({ resource: taken.url, authorization_servers: [place.issuer] })

    const server = { server_id: '', api_key: '', management_token: '', server_url: taken.url }
    const { access_token } = await connect({ scope: 'files:read' }, { server })
    const answered = await files(bearer(access_token))
    expect(answered.status).toBe(200)
    expect(await answered.json()).toEqual({ you: expect.stringMatching(/^[0-9a-f-]{36}$/), scopes: ['files:read'] })
  })
})
