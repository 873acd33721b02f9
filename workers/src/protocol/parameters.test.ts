import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parametersFrom, parametersFromJson } from './parameters.ts'

const from = (query: string) => parametersFrom(new URLSearchParams(query))

describe('parameters', () => {
  it('A17 F18 refuses a parameter with two values when it is read', () => {
    expect(() => from('redirect_uri=good&redirect_uri=evil').get('redirect_uri')).toThrow('redirect_uri was sent')
  })

  it('tolerates the same value twice, because real clients send it', () => {
    expect(from('scope=a&scope=a').get('scope')).toBe('a')
  })

  it('ignores unknown parameters, repeated or not (RFC 6749 §3.1)', () => {
    expect(from('x=1&x=2&code=c').get('code')).toBe('c')
  })

  it('A18 takes an empty value as absent (RFC 6749 §3.1)', () => {
    expect(from('scope=').get('scope')).toBeUndefined()
    expect(from('resource=&resource=r').all('resource')).toEqual(['r'])
  })

  it('F32 reads a parameter that comes a million times, each time with another value, one after the other', () => {
    const pairs = Array.from({ length: 1_000_000 }, (_, place) => ['scope', `s${place}`] as const)
    const parameters = parametersFrom(pairs)
    expect(parameters.all('scope')).toHaveLength(1_000_000)
    expect(() => parameters.get('scope')).toThrow('scope was sent more than once')
  })

  it('F20 reads exact names only', () => {
    const parameters = from('code[]=x&code.y=x&CODE=x&code%20=x')
    expect(parameters.get('code')).toBeUndefined()
  })

  it('gives every single value as it was sent', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (name, value) => {
        expect(parametersFrom([[name, value]]).get(name)).toBe(value)
      }),
    )
  })

  it('F19 is not confused by names of Object.prototype', () => {
    expect(from('').get('__proto__')).toBeUndefined()
    expect(from('').get('constructor')).toBeUndefined()
  })
})

describe('parameters of a JSON body', () => {
  it('are the members of a flat object of strings', () => {
    expect(parametersFromJson('{"grant_type":"refresh_token"}').get('grant_type')).toBe('refresh_token')
  })

  it.each(['{"code":{"x":1}}', '{"code":["a"]}', '{"code":1}', '{"code":null}', '{"a":"b","__proto__":{"x":"y"}}'])(
    'F19 refuses members that are no strings: %s',
    (body) => {
      expect(() => parametersFromJson(body)).toThrow('body_malformed')
    },
  )

  it.each(['', '[]', '"x"', 'null', '1', '{', '[["code","x"]]'])('F19 refuses what is no object: %j', (body) => {
    expect(() => parametersFromJson(body)).toThrow('body_malformed')
  })
})
