import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Identity, revokeConnection, spoilAccessToken } from '../conformance/mcp-program.ts'
import { place } from '../conformance/place.ts'
import { type Callback, listenForCallback } from '../support/callback.ts'
import { launchChromium } from '../support/chromium.ts'
import { meetPerson } from '../support/person.ts'
import { examples } from './examples.ts'
import { startTypescriptProgram } from './typescript-program.ts'

type Program = ReturnType<typeof startTypescriptProgram>

let browser: Browser
let callback: Callback
beforeAll(async () => {
  browser = await launchChromium()
  callback = await listenForCallback()
})
afterAll(async () => {
  await browser.close()
  await callback.close()
})

/** A program that knows nothing but the MCP URL, and maybe a client id. */
async function start(url: string, options: { mode?: 'auto' | 'legacy'; identity?: Identity } = {}): Promise<Program> {
  const person = await meetPerson(browser, place)
  return startTypescriptProgram(person, { url, redirectUri: callback.redirectUri, ...options })
}

const scopesAsked = ({ memory }: Program) => memory.visits.map(({ scopes }) => scopes.toSorted())
const note = { name: 'from-typescript.txt', text: 'Written by a test.' }

// Most of the time is the page's: it lets nobody approve at once. So people come side by side.
describe.concurrent.each(examples)('the official TypeScript client and the $language example', ({ url }) => {
  it('goes from the bare URL through discovery, registration and consent to tools [mcp-2026-07-client-flow]', async () => {
    const program = await start(url)
    expect(await program.connect()).toBe('2026-07-28')
    expect(program.wire.slice(0, 5)).toEqual([
      'POST /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server 200',
      'POST /register 201',
      'POST /token 200',
    ])
    expect(program.memory.visits.map(({ pages }) => pages)).toEqual([['sign_in', 'code', 'consent']])
    expect(scopesAsked(program)).toEqual([['files:read']])
    expect(program.memory.client?.client_id).toMatch(/^dcr_/)
    expect((await program.call('list_files')).text).toContain('welcome.md')
    expect(await program.call('read_file', { name: '../secret' })).toEqual({
      text: expect.stringContaining('The name leads out of the shared folder.'),
      is_error: true,
    })
    await program.end()
  })

  it('steps up to write and again to delete, keeping what it had [mcp-2026-07-client-step-up]', async () => {
    const program = await start(url)
    await program.connect()
    expect((await program.call('write_file', note)).text).toContain('Wrote from-typescript.txt.')
    expect((await program.call('delete_file', { name: note.name })).text).toContain('Deleted from-typescript.txt.')
    expect(scopesAsked(program)).toEqual([
      ['files:read'],
      ['files:read', 'files:write'],
      ['files:delete', 'files:read', 'files:write'],
    ])
    expect(program.memory.visits.slice(1).map(({ pages }) => pages)).toEqual([['consent'], ['consent']])
    expect(program.wire.filter((line) => line === 'POST /mcp 403')).toHaveLength(2)
    await program.end()
  })

  it('refreshes without its person, and has to ask again once revoked [rfc7009-2.1-immediately]', async () => {
    const program = await start(url)
    await program.connect()
    const { memory } = program
    // It refreshes when it is told that its token is no good.
    const before = spoilAccessToken(memory)
    expect((await program.call('list_files')).text).toContain('welcome.md')
    expect(memory.tokens?.refresh_token).not.toBe(before.refresh_token)
    expect(memory.visits).toHaveLength(1)

    await revokeConnection(memory)
    memory.decision = { decision: 'deny' }
    await expect(program.call('list_files')).rejects.toThrow()
    expect(memory.tokens).toBeUndefined()
    expect(memory.visits.at(-1)?.landed.searchParams.get('error')).toBe('access_denied')
    await program.end()
  })

  it('with a registered id and the handshake of 2025-11-25 gets the same [mcp-2025-11-client-flow]', async () => {
    const program = await start(url, { mode: 'legacy', identity: { kind: 'pre_registered' } })
    expect(await program.connect()).toBe('2025-11-25')
    expect(program.wire).not.toContain('POST /register 201')
    expect((await program.call('read_file', { name: 'notes/today.txt' })).text).toContain('Buy milk')
    const name = 'from-legacy-typescript.txt'
    expect((await program.call('write_file', { ...note, name })).text).toContain(`Wrote ${name}.`)
    expect(scopesAsked(program)).toEqual([['files:read'], ['files:read', 'files:write']])
    await program.end()
  })
})
