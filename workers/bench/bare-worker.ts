/** What the authorization server is measured against: the same runtime, router and database client with nothing in between. */
import { createClient } from '@supabase/supabase-js'
import { Hono } from 'hono'

type Bindings = { SUPABASE_URL: string; SUPABASE_KEY: string; RPC_NAME: string; RPC_ARGUMENTS: string }

let call: (() => Promise<unknown>) | undefined

/** One client and one set of arguments for the life of the isolate, as the authorization server keeps its own. */
function prepareCall(env: Bindings): () => Promise<unknown> {
  const client = createClient(env.SUPABASE_URL, env.SUPABASE_KEY, {
    db: { schema: 'mcp' },
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  })
  const args: unknown = JSON.parse(env.RPC_ARGUMENTS)
  return async () => {
    const { data, error } = await client.rpc(env.RPC_NAME, args)
    if (error) throw new Error(error.message)
    return data
  }
}

const app = new Hono<{ Bindings: Bindings }>()
app.get('/json', (c) => c.json({ active: false }))
app.post('/rpc', async (c) => {
  call ??= prepareCall(c.env)
  return c.json(await call())
})

// biome-ignore lint/style/noDefaultExport: the Workers runtime takes the default export.
export default app
