import { describe, expect, it } from 'vitest'
import { clientAddress } from './client-address.ts'

describe('the address that limits are keyed by', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
  ])('C22 folds the textual forms of one address: %s is %s', (header, address) => {
    expect(clientAddress(header)).toBe(address)
  })

  it.each([
    undefined,
    '',
    '203.0.113',
    '203.0.113.07',
    '1.2.3.4, 5.6.7.8',
    'evil',
    '1::2::3',
    '2001:db8',
    ':',
    ':::',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '::1.2.3.4.5',
  ])('C22 takes nothing that is not an address as a key: %s', (header) => {
    expect(clientAddress(header)).toBeUndefined()
  })
})
