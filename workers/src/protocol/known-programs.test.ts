import { describe, expect, it } from 'vitest'
import { borrowedName, isLookAlike, isOwnName, isProtectedName } from './known-programs.ts'

describe('names of known programs', () => {
  it.each([
    'C1aude',
    'Сlaude Соdе',
    'Cl\u0430ude Code (work)',
    'my CIaude',
    'Ｃlaude Code',
    '𝗖𝗹𝗮𝘂𝗱𝗲 Code',
    'Gemını CLI',
    '0penAI helper',
    'Vísual Studio Code',
    'Auth-Аgent MCP',
  ])('B20 %j is drawn like one without being spelt like it', (name) => {
    expect(isLookAlike(name)).toBe(true)
  })

  it.each([
    'Claude',
    'Claude Code (my-files)',
    'claude-code',
    'VSCode',
    'Visual Studio Code - Insiders',
    'MCP CLI Proxy',
    'Cursory notes',
    'Modern reader',
    'Unnamed application',
    'ファイル',
    '!!!',
    '',
  ])('%j is spelt like one, or like none', (name) => {
    expect(isLookAlike(name)).toBe(false)
  })

  it('B20 are protected as a whole, ours against everybody', () => {
    expect(isProtectedName('claude code')).toBe(true)
    expect(isProtectedName('Claude notes')).toBe(false)
    expect(['Auth-Agent', 'auth agent mcp', 'Auth-Agent MCP management'].map(isOwnName)).toEqual([true, true, true])
    expect(['Auth-Agent test tool', 'Claude'].map(isOwnName)).toEqual([false, false])
  })

  it.each([
    ['Claude Code', 'claude.ai', undefined],
    ['Claude', 'www.anthropic.com', undefined],
    ['Codex', 'chatgpt.com', undefined],
    ['Visual Studio Code', 'vscode.dev', undefined],
    ['Antigravity', 'antigravity.google', undefined],
    ['Team files', 'files.example', undefined],
    ['Claude Code', 'claude.ai.evil.dev', 'Claude Code'],
    ['Claude Code', 'evilclaude.ai', 'Claude Code'],
    ['The Claude of my team', 'evil.dev', 'Claude'],
    ['cursor', 'chatgpt.com', 'Cursor'],
  ])('B20 B22 %j at %s borrows %j', (name, host, borrowed) => {
    expect(borrowedName(name, host)).toBe(borrowed)
  })
})
