// The RPC surface over a real PostgreSQL, as a service: for a machine without Supabase or PostgREST.

import { startRpcService } from '../src/rpc-service.ts'
import { environment } from './environment.ts'

const { DATABASE_URL, JWT_SECRET, PORT } = environment({
  DATABASE_URL: 'the URL of the database for the role authenticator, which can act as mcp_worker and as little else',
  JWT_SECRET: 'the secret that SUPABASE_KEY was signed with (make-secrets prints both)',
  PORT: 'the loopback port to listen on, for example 9402',
})

const service = await startRpcService(DATABASE_URL, JWT_SECRET, Number(PORT))
console.log(`The RPC surface listens at ${service.url}`)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void service.close())
