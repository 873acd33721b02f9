import * as z from 'zod/mini'
import { readIssuer } from '../src/config-values.ts'
import type { Call } from './command.ts'
import { Sentence } from './report.ts'

const timeoutMs = 10_000

/** The running server that this configuration is for. */
export async function issuerOf({ keyFile, values, env }: Call): Promise<string> {
  const named = typeof values.issuer === 'string' ? values.issuer : undefined
  // Whoever named no file may still have it in the environment.
  const kept = named === undefined ? await keyFile.read().catch(() => undefined) : undefined
  const text = named ?? kept?.ISSUER ?? env.ISSUER
  const issuer = text === undefined ? { problem: 'is missing: say --issuer' } : readIssuer(text)
  if ('problem' in issuer) throw new Sentence(`ISSUER ${issuer.problem}.`)
  return issuer.value.origin
}

export type Look = { readonly status: number; readonly headers: Headers; readonly text: string; readonly json: unknown }

/**
 * Asks for a URL without following redirects.
 * @throws Sentence when nobody answers
 */
export async function look(url: string, init: RequestInit = {}): Promise<Look> {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs), ...init }).catch(
    (error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      throw new Sentence(`${url} does not answer: ${cause instanceof Error ? cause.message : 'no reason given'}.`)
    },
  )
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: jsonOf(text) }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const keySet = z.object({ keys: z.array(z.object({ kid: z.string() })) })

/** The ids of the keys that the running server publishes, in their order. */
export async function publishedKids(call: Call): Promise<readonly string[]> {
  const { json } = await look(`${await issuerOf(call)}/.well-known/jwks.json`)
  const keys = keySet.safeParse(json)
  if (!keys.success) throw new Sentence('The running server publishes no key set.')
  return keys.data.keys.map(({ kid }) => kid)
}
