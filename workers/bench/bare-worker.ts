/** What the authorization server is measured against: the same runtime, router and database client with nothing in between. */
import { PostgrestClient } from '@supabase/postgrest-js'
import { Hono } from 'hono'

type Bindings = { SUPABASE_URL: string; SUPABASE_KEY: string }

let client: ReturnType<typeof openClient> | undefined

/** One for the life of the isolate, as the authorization server keeps its own. */
function openClient(env: Bindings) {
  const headers = { apikey: env.SUPABASE_KEY, Authorization: `Bearer ${env.SUPABASE_KEY}` }
  return new PostgrestClient(`${env.SUPABASE_URL}/rest/v1`, { headers, schema: 'mcp', retry: false })
}

const app = new Hono<{ Bindings: Bindings }>()

app.get('/json', (c) => c.json({ active: false }))

// The same request as introspection gets: a form that has to be read.
app.post('/json', async (c) => c.json({ active: (await c.req.text()) === '' }))

app.post('/rpc', async (c) => {
  client ??= openClient(c.env)
  const { data, error } = await client.rpc('introspect_token', await c.req.json())
  if (error) throw new Error(error.message)
  return c.json(data)
})

// biome-ignore lint/style/noDefaultExport: the Workers runtime takes the default export.
export default app
