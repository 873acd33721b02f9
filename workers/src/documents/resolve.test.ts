import { describe, expect, test } from 'vitest'
import { isPublicAddress, resolveOverHttps } from './resolve.ts'

describe('addresses', () => {
  test.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001::8a'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test.each([
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.8',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001:db8::1',
    '2001::1',
    '2002:a00:1::',
    'fc00::1',
    'fe80::1',
    'ff02::1',
    'not an address',
  ])('E2 %s is not public (RFC 6890)', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('resolving over HTTPS', () => {
  const answering = (answers: Record<string, unknown>, status = 200): typeof fetch =>
    (async (input: URL) =>
      Response.json(answers[input.searchParams.get('type') ?? ''] ?? { Status: 0 }, { status })) as typeof fetch

  test('asks for A and AAAA and gives every address', async () => {
    const resolve = resolveOverHttps(
      'https://dns.good.dev/dns-query',
      answering({
        A: {
          Status: 0,
          Answer: [
            { type: 5, data: 'alias.good.dev' },
            { type: 1, data: '8.8.8.8' },
          ],
        },
        AAAA: { Status: 0, Answer: [{ type: 28, data: '::1' }] },
      }),
    )
    expect(await resolve('good.dev')).toEqual(['8.8.8.8', '::1'])
  })

  test('a name that does not exist has no address', async () => {
    const resolve = resolveOverHttps(
      'https://dns.good.dev/dns-query',
      answering({ A: { Status: 3 }, AAAA: { Status: 3 } }),
    )
    expect(await resolve('gone.dev')).toEqual([])
  })

  test('a failing resolver is no answer at all', async () => {
    await expect(resolveOverHttps('https://dns.good.dev/', answering({ A: { Status: 2 } }))('x.dev')).rejects.toThrow()
    await expect(resolveOverHttps('https://dns.good.dev/', answering({}, 500))('x.dev')).rejects.toThrow()
  })
})
