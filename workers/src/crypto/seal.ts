import { deriveKey, hmac, isEqualSecret, type KeyedSecret } from './digest.ts'
import { fromBase64Url, toBase64Url, utf8 } from './encoding.ts'

/** REGISTRATION_KEYS: newest first, added to and never dropped, because nothing of a sealed id is stored (SECURITY §5). */
export type SealKeys = readonly [KeyedSecret, ...KeyedSecret[]]

export type Seal = {
  /** `dcr_<kid>.<payload>.<MAC>`: the same payload gives the same id. */
  seal(payload: string): Promise<string>
  /** The payload of an id that this server sealed under any of its keys; undefined for anything else. */
  open(id: string): Promise<string | undefined>
  /** The secret that belongs to a sealed id: derived from it, so it is nowhere stored; undefined when no key sealed it. */
  secretOf(id: string): Promise<string | undefined>
}

const sealedShape = /^dcr_([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/

/** One purpose of a key must tell nothing of the other: each has a key of its own (RFC 5869). */
async function derived(keys: SealKeys, purpose: string): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const entries = keys.map(async ({ kid, key }) => [kid, await deriveKey(key, purpose)] as const)
  return new Map(await Promise.all(entries))
}

function readable(payload: string): string | undefined {
  const bytes = fromBase64Url(payload)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

/**
 * Seals the metadata of dynamically registered clients into their ids: HMAC-SHA-256 over what can be read by anybody and
 * made by nobody else (HTTP-API "Client registration").
 */
export function createSeal(keys: SealKeys): Seal {
  const [newest] = keys
  let macKeys: Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> | undefined
  let secretKeys: Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> | undefined
  const macOf = async (kid: string, payload: string): Promise<string | undefined> => {
    macKeys ??= derived(keys, 'dynamic client id')
    const key = (await macKeys).get(kid)
    return key === undefined ? undefined : toBase64Url(await hmac(key, `${kid}.${payload}`))
  }
  const open = async (id: string): Promise<string | undefined> => {
    const [, kid = '', payload = '', presented = ''] = sealedShape.exec(id) ?? []
    const mac = kid === '' ? undefined : await macOf(kid, payload)
    return mac !== undefined && isEqualSecret(mac, presented) ? readable(payload) : undefined
  }
  return {
    open,
    seal: async (text) => {
      const payload = toBase64Url(utf8(text))
      return `dcr_${newest.kid}.${payload}.${(await macOf(newest.kid, payload)) ?? ''}`
    },
    secretOf: async (id) => {
      if ((await open(id)) === undefined) return undefined
      secretKeys ??= derived(keys, 'dynamic client secret')
      const key = (await secretKeys).get(sealedShape.exec(id)?.[1] ?? '')
      return key === undefined ? undefined : `dcs_${toBase64Url(await hmac(key, id))}`
    },
  }
}
