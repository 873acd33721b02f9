import { PostgrestClient } from '@supabase/postgrest-js'
import type * as z from 'zod/mini'
import type { FunctionArguments } from './database.ts'

/** What the rest of the store needs of a database: calling one function by its name (ARCHITECTURE decision 1). */
export type Store = {
  readonly call: (name: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>
}

export type StoreSettings = {
  readonly url: string
  readonly key: string
  readonly timeoutMs: number
  readonly fetchUrl: typeof fetch
}

/** The database gave no usable answer: 503 with Retry-After. The message and cause are for the log only. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** As supabase-js sends them: a secret key of the new kind is no JWT and never stands in Authorization. */
function keyHeaders(key: string): Record<string, string> {
  return key.startsWith('sb_secret_') ? { apikey: key } : { apikey: key, Authorization: `Bearer ${key}` }
}

/**
 * One for an isolate: each call is a fetch of its own, but making a client costs a tenth of a millisecond. It is the part
 * of supabase-js that calls functions; the whole of it would double the Worker.
 */
export function createStore(settings: StoreSettings): Store {
  const client = new PostgrestClient(`${settings.url}/rest/v1`, {
    headers: keyHeaders(settings.key),
    schema: 'mcp',
    fetch: settings.fetchUrl,
    retry: false,
  })
  return {
    call: async (name, args) => {
      // Never repeated: a call that changes something may have been done although no answer came (decision 13).
      const answer = await client.rpc(name, args).abortSignal(AbortSignal.timeout(settings.timeoutMs))
      if (answer.error === null) return answer.data
      // With a good status the error is the whole body, of which a part may be somebody's address: not for the log.
      const isBody = answer.status >= 200 && answer.status < 300
      if (isBody) throw new StoreUnavailable(`${name} answered ${answer.status} without JSON`)
      throw new StoreUnavailable(`${name} failed with status ${answer.status}`, { cause: answer.error })
    },
  }
}

/** The same store, telling a hook of each call: for counting those of one request. */
export function withCallHook(store: Store, onCall: (name: string) => void): Store {
  return {
    call: (name, args) => {
      onCall(name)
      return store.call(name, args)
    },
  }
}

/**
 * Calls a function and reads its outcome.
 * @throws StoreUnavailable when there is no answer, or one of another shape (a schema of another version)
 */
export async function callFor<Name extends keyof FunctionArguments, Outcome extends z.ZodMiniType>(
  store: Store,
  name: Name,
  args: Readonly<FunctionArguments[Name]>,
  outcome: Outcome,
): Promise<z.infer<Outcome>> {
  const parsed = outcome.safeParse(await store.call(name, args))
  if (parsed.success) return parsed.data
  throw new StoreUnavailable(`${name} answered in a shape this version does not know`, { cause: parsed.error })
}
