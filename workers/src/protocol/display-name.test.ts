import { describe, expect, it } from 'vitest'
import { isPlainText, parseDisplayName } from './display-name.ts'

describe('display names', () => {
  it.each([
    ['My files', 'My files'],
    ['  Büro ', 'Büro'],
    ['Cafe\u0301', 'Café'],
    ['ファイル', 'ファイル'],
    ['Claude notes', 'Claude notes'],
  ])('are kept in NFC: %j', (name, shown) => {
    expect(parseDisplayName(name, 100)).toBe(shown)
  })

  it.each([
    '',
    '   ',
    '\u3164',
    'a\u202eb',
    'a\u200bb',
    'a\u2066b',
    'a\0b',
    'a\nb',
    'a\ufeffb',
    'a\u2028b',
    '\ue000',
    '!!!',
  ])('B20 are refused when they do not show what they are: %j', (name) => {
    expect(parseDisplayName(name, 100)).toBeUndefined()
  })

  it.each([
    'Claude Code',
    'claude-code',
    'C l a u d e  C o d e',
    'CIaude Code',
    'C1aude Code',
    'Сlaude Соdе',
    'Ｃlaude Code',
    'Clаude',
    'Claude Cоde',
    '𝗖𝗹𝗮𝘂𝗱𝗲 Code',
    'Auth-Agent',
    'Auth Agent MCP',
    'ChatGPТ',
    'Gemını',
    'Vísual Studio Code',
  ])('B20 are refused when they look like a protected one: %j', (name) => {
    expect(parseDisplayName(name, 100)).toBeUndefined()
  })

  it('have a longest length, in characters', () => {
    expect(parseDisplayName('😀'.repeat(100), 100)).toBeUndefined()
    expect(parseDisplayName('é'.repeat(100), 100)).toBe('é'.repeat(100))
    expect(parseDisplayName('é'.repeat(101), 100)).toBeUndefined()
  })

  it('plain text has no control, format or line-breaking character', () => {
    expect(isPlainText('See your files, 100 %')).toBe(true)
    expect(isPlainText('a\tb')).toBe(false)
  })
})
