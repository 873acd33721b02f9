import { describe, expect, it } from 'vitest'
import { createApp } from '../src/app.ts'
import { readSettings } from '../src/settings.ts'
import { openSharedFolder } from '../src/shared-folder.ts'

const settings = (env: Record<string, string>) => createApp(readSettings(env), folder)
const folder = await openSharedFolder(readSettings({}).filesFolder)
const good = { AUTH_AGENT_SERVER_ID: 'srv_0123456789abcdefghijAB', AUTH_AGENT_API_KEY: `sk_${'k'.repeat(61)}` }

describe('starting', () => {
  it('L27 does not start without credentials', () => {
    expect(() => settings({})).toThrow('serverId is missing')
    expect(() => settings({ AUTH_AGENT_SERVER_ID: good.AUTH_AGENT_SERVER_ID })).toThrow('apiKey is missing')
    expect(() => settings({ ...good, AUTH_AGENT_API_KEY: '' })).toThrow('apiKey is missing')
    expect(() => settings({ ...good, AUTH_AGENT_API_KEY: 'key_0123456789ab' })).toThrow('apiKey is the id of a key')
  })

  it('starts with credentials, on port 9401 unless told otherwise', () => {
    expect(() => settings(good)).not.toThrow()
    expect(readSettings({})).toMatchObject({ port: 9401, serverUrl: 'http://localhost:9401/mcp', host: '127.0.0.1' })
    expect(readSettings({ PORT: '7000' }).serverUrl).toBe('http://localhost:7000/mcp')
  })
})
