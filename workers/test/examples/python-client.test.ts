import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { place } from '../conformance/place.ts'
import { basic, clientId, post } from '../conformance/program.ts'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson } from '../support/person.ts'
import { examples, python } from './examples.ts'
import { type PythonProgram, startPythonProgram } from './python-program.ts'

let browser: Browser
let callback: Callback
const programs: PythonProgram[] = []
beforeAll(async () => {
  browser = await launchChromium()
  callback = await listenForCallback()
})
afterAll(async () => {
  for (const program of programs) await program.end()
  await browser.close()
  await callback.close()
})

/** A program that knows nothing but the MCP URL, and maybe a client id. */
async function start(url: string, options: { mode?: 'auto' | 'legacy'; clientId?: string } = {}) {
  const person = await meetPerson(browser, place)
  const program = startPythonProgram(person, { url, redirectUri: callback.redirectUri, ...options })
  programs.push(program)
  return program
}

const linesOf = ({ exchanges }: PythonProgram) => exchanges.map(({ line }) => line)
const scopesAsked = ({ visits }: PythonProgram) => visits.map(({ scopes }) => scopes.toSorted())
const note = { name: 'from-python.txt', text: 'Written by a test.' }

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.skipIf(python === '').concurrent.each(examples)(
  'the official Python client and the $language example',
  ({ url }) => {
    it('goes from the bare URL through discovery, registration and consent to tools [mcp-2026-07-client-flow]', async () => {
      const program = await start(url)
      expect(await program.connected()).toBe('2026-07-28')
      expect(linesOf(program)).toEqual([
        'POST /mcp 401',
        'GET /.well-known/oauth-protected-resource/mcp 200',
        'GET /.well-known/oauth-authorization-server 200',
        'POST /register 201',
        'POST /token 200',
        'POST /mcp 200',
      ])
      expect(program.visits.map(({ pages }) => pages)).toEqual([['sign_in', 'code', 'consent']])
      expect(scopesAsked(program)).toEqual([['files:read']])
      expect((await program.call('list_files')).text).toContain('welcome.md')
      expect(await program.call('read_file', { name: '../secret' })).toEqual({
        text: expect.stringContaining('The name leads out of the shared folder.'),
        is_error: true,
      })

      // It names no method, so it is a confidential client, and authenticates by Basic and with the id in the body.
      const sent = (path: string) => program.exchanges.find(({ line }) => line.startsWith(`POST ${path} `))
      expect(sent('/register')?.sent).not.toHaveProperty('token_endpoint_auth_method')
      const { client } = await program.state()
      expect(client).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic' })
      expect(sent('/token')?.sent).toMatchObject({ client_id: client?.client_id })
      expect(decodeURIComponent(sent('/token')?.basic ?? '')).toBe(`${client?.client_id}:${client?.client_secret}`)
    })

    it('steps up to write and again to delete, keeping what it had [mcp-2026-07-client-step-up]', async () => {
      const program = await start(url)
      await program.connected()
      expect((await program.call('write_file', note)).text).toContain('Wrote from-python.txt.')
      expect((await program.call('delete_file', { name: note.name })).text).toContain('Deleted from-python.txt.')
      expect(scopesAsked(program)).toEqual([
        ['files:read'],
        ['files:read', 'files:write'],
        ['files:delete', 'files:read', 'files:write'],
      ])
      expect(program.visits.slice(1).map(({ pages }) => pages)).toEqual([['consent'], ['consent']])
      expect(linesOf(program).filter((line) => line === 'POST /mcp 403')).toHaveLength(2)
      expect(linesOf(program).filter((line) => line.startsWith('POST /register'))).toHaveLength(1)
    })

    it('refreshes without its person, and has to ask again once revoked [rfc7009-2.1-immediately]', async () => {
      const program = await start(url)
      await program.connected()
      const before = (await program.state()).tokens
      await program.expire()
      expect((await program.call('list_files')).text).toContain('welcome.md')
      const { tokens, client } = await program.state()
      expect(tokens?.refresh_token).not.toBe(before?.refresh_token)
      expect(tokens?.access_token).not.toBe(before?.access_token)
      expect(program.visits).toHaveLength(1)

      const credentials = basic(String(client?.client_id), String(client?.client_secret))
      expect((await post('/revoke', { token: String(tokens?.refresh_token) }, credentials)).status).toBe(200)
      program.decide({ decision: 'deny' })
      await program.expire()
      await expect(program.call('list_files')).rejects.toThrow('access_denied')
      expect(linesOf(program).slice(-4)).toEqual([
        'POST /token 400',
        'POST /mcp 401',
        'GET /.well-known/oauth-protected-resource/mcp 200',
        'GET /.well-known/oauth-authorization-server 200',
      ])
      expect(program.visits).toHaveLength(2)
    })

    it('with a registered id and the handshake of 2025-11-25 gets the same [mcp-2025-11-client-flow]', async () => {
      const program = await start(url, { mode: 'legacy', clientId })
      expect(await program.connected()).toBe('2025-11-25')
      expect(linesOf(program)).not.toContain('POST /register 201')
      expect((await program.call('read_file', { name: 'notes/today.txt' })).text).toContain('Buy milk')
      const name = 'from-legacy-python.txt'
      expect((await program.call('write_file', { ...note, name })).text).toContain(`Wrote ${name}.`)
      expect(scopesAsked(program)).toEqual([['files:read'], ['files:read', 'files:write']])
    })
  },
)
