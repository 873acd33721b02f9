import { expect, it } from 'vitest'
import { readIssuer } from '../../src/config-values.ts'

it('accepts plain http for an issuer on the own machine only [mcp-2026-07-https]', () => {
  for (const issuer of [
    'http://mcp.example.com',
    'http://localhost.example.com',
    'http://10.0.0.1:9400',
    'ftp://localhost',
  ]) {
    expect(readIssuer(issuer)).toHaveProperty('problem')
  }
  for (const issuer of [
    'https://mcp.example.com',
    'http://localhost:9400',
    'http://127.0.0.1:9400',
    'http://[::1]:9400',
  ]) {
    expect(readIssuer(issuer)).toHaveProperty('value')
  }
})
