import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculatePKCECodeChallenge, generateRandomCodeVerifier } from 'oauth4webapi'
import { afterAll, expect, it } from 'vitest'
import { preparePython } from '../../../scripts/python.mjs'
import { meetFormPerson } from '../support/form-person.ts'
import { startStack } from '../support/stack.ts'

const folder = join(import.meta.dirname, '../../openapi')
// A deployment of its own, whose limits do not end the run before it has begun.
const LIMITS = '{"servers":100000,"keys":100000,"writes_per_hour":1000}'
const stack = await startStack({ database: 'pglite', variables: { LIMITS } })
const work = await mkdtemp(join(tmpdir(), 'auth-agent-schemathesis-'))
afterAll(async () => {
  await stack.close()
  await rm(work, { recursive: true })
})

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'unsupported_method',
  'ignored_auth',
].join(',')

type Run = { readonly status: number; readonly output: string }

/** One bounded run with this credential, on a server that it may manage. */
async function schemathesis(token: string, server_id: string): Promise<Run> {
  const python = await preparePython({ env: process.env }, { folder, requirements: join(folder, 'requirements.txt') })
  const config = join(work, 'schemathesis.toml')
  await writeFile(config, `[parameters]\n"path.server_id" = "${server_id}"\n`)
  // One worker: Python 3.11 gives up when two threads parse Python at the same time (CPython gh-106905), as Hypothesis does.
  const bounded = ['--max-examples', '5', '--seed', '1', '--phases', 'examples,coverage,fuzzing', '--workers', '1']
  // How quickly a machine makes data and answers is no fault of the API's.
  const patient = ['--suppress-health-check', 'too_slow', '--request-timeout', '100']
  // Deleting the one server that is known would leave nothing to ask about.
  const left = ['--exclude-operation-id', 'deleteServer']
  const options = ['--checks', checks, ...bounded, ...patient, ...left]
  const args = ['--config-file', config, 'run', `${stack.issuer}/openapi.json`, ...options]
  const headers = ['--header', `Authorization: Bearer ${token}`, '--no-color']
  return new Promise((resolve) => {
    const surroundings = {
      cwd: work,
      maxBuffer: 50_000_000,
      env: { ...process.env, NO_PROXY: '*', HYPOTHESIS_STORAGE_DIRECTORY: work },
    }
    execFile(python, ['-m', 'schemathesis.cli', ...args, ...headers], surroundings, (error, stdout, stderr) =>
      resolve({
        status: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1,
        output: stdout + stderr,
      }),
    )
  })
}

/** An owner's access token for the API, and a server of the owner's. */
async function ownedServer(): Promise<{ readonly token: string; readonly server_id: string }> {
  const person = meetFormPerson({ issuer: stack.issuer, mailboxUrl: stack.mailbox.url })
  const code_verifier = generateRandomCodeVerifier()
  const url = new URL('/authorize', stack.issuer)
  const resource = `${stack.issuer}/api`
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: 'client_claude_code',
    redirect_uri: 'http://localhost:33418/callback',
    scope: 'servers:read servers:write keys:write',
    resource,
    code_challenge: await calculatePKCECodeChallenge(code_verifier),
    code_challenge_method: 'S256',
  }).toString()
  const code = (await person.approve(url)).searchParams.get('code') ?? ''
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: 'client_claude_code',
    redirect_uri: 'http://localhost:33418/callback',
    code,
    code_verifier,
  })
  const answer = await fetch(new URL('/token', stack.issuer), { method: 'POST', body })
  const { access_token = '' } = (await answer.json()) as { access_token?: string }
  const registered = await fetch(new URL('/api/servers', stack.issuer), {
    method: 'POST',
    headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      server_url: 'http://localhost:9999/mcp',
      server_name: 'Conformance',
      scopes: ['files:read'],
    }),
  })
  const { server_id = '' } = (await registered.json()) as { server_id?: string }
  return { token: access_token, server_id }
}

it('schemathesis finds nothing in the management API, by the document that describes it', {
  // Its packages may have to be fetched first, and a thousand requests take long on a busy machine.
  timeout: 600_000,
}, async () => {
  const { server_id, token } = await ownedServer()
  const { status, output } = await schemathesis(token, server_id)
  expect(status, output.slice(-6_000)).toBe(0)
  // So many at least: a run that was turned away at the door would have less to tell.
  expect(Number(/(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(800)
  expect(output).not.toContain('Authentication failed')
})
