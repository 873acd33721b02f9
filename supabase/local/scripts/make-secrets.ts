// Prints new secrets in the form of an environment file. Made once for each deployment; keep them where only it can read.
import { randomBytes } from 'node:crypto'
import { makeApiKey } from '../src/api-key.ts'
import { makeWorkerSecrets } from '../src/worker-secrets.ts'

// A project of Supabase's has its own; it signs the Worker's key all the same.
const JWT_SECRET = process.env.JWT_SECRET || randomBytes(32).toString('base64url')
const secrets = {
  ...(await makeWorkerSecrets()),
  SUPABASE_KEY: await makeApiKey('mcp_worker', JWT_SECRET),
  JWT_SECRET,
  AUTHENTICATOR_PASSWORD: randomBytes(24).toString('base64url'),
}
// Single quotes: every reader of such files takes what is between them as it is.
for (const [name, value] of Object.entries(secrets)) console.log(`${name}='${value}'`)
