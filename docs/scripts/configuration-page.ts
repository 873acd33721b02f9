import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLifetimes, defaultLimits, defaultRetention } from '../../workers/src/config-defaults.ts'
import { type Variable, variables } from '../../workers/src/config-variables.ts'
import { generatedNotice, markdownTable } from './markdown.ts'

const defaultsSource = readFileSync(join(import.meta.dirname, '../../workers/src/config-defaults.ts'), 'utf8')

/** The comment above a number is its description: whoever adds one writes it there. */
function describeNumber(table: string, name: string): string {
  const source = defaultsSource.slice(defaultsSource.indexOf(`export const ${table} `))
  const description = new RegExp(`/\\*\\* ([^*]*) \\*/\\s+${name}: `).exec(source)?.[1]
  if (description === undefined) throw new Error(`${name} has no comment in config-defaults.ts`)
  return description
}

function numberRows(table: string, numbers: Readonly<Record<string, number>>): string[][] {
  return Object.entries(numbers).map(([name, value]) => [`\`${name}\``, String(value), describeNumber(table, name)])
}

const variablesSource = readFileSync(join(import.meta.dirname, '../../workers/src/config-variables.ts'), 'utf8')

/** The same for a variable; a comment of several lines is one sentence after the other. */
function describeVariable(name: string): string {
  const comment = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s+\\{\\s*name: '${name}'`).exec(variablesSource)?.[1]
  if (comment === undefined) throw new Error(`${name} has no comment in config-variables.ts`)
  return comment.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim()
}

/** What holds where a variable is absent. */
function absence({ standard, isOptional }: Variable, description: string): string {
  if (standard !== undefined) return `\`${standard}\``
  if (isOptional === true) return 'not used'
  return /for `(resend|cloudflare|webhook)`/.test(description) ? 'needed by its sender' : 'needed'
}

function variableRow(variable: Variable): string[] {
  const { name, isSecret } = variable
  const description = describeVariable(name)
  return [`\`${name}\``, isSecret ? 'secret' : 'public', absence(variable, description), description]
}

export function configurationPage(): string {
  return `# Configuration

${generatedNotice('workers/src/config.ts')}

The Worker reads its variables once, at its first request, and refuses to work with a missing, short, equal or example
value. The message names every variable that is wrong, never its value. \`npm start\` makes all of them by itself.

On Cloudflare, they stand in one file for each environment, which \`npm run deploy\` reads and nobody commits: see
[deploying](deploy.md). Use different secrets in every environment.

## Variables

${markdownTable(['variable', 'kind', 'when absent', 'what it is'], variables.map(variableRow))}

A key for \`TOKEN_PEPPERS\` or \`COOKIE_KEYS\` is 32 random bytes with a name of your choice before them:

\`\`\`sh
node -e 'console.log("2026a:" + require("node:crypto").randomBytes(32).toString("base64url"))'
\`\`\`

The first key of a list writes, and each of them reads. To rotate one without refusing anybody, deploy twice: first with the
new key second, so that every isolate can read what it writes, then with the new key first; sessions and refresh tokens move
over as they are used. Put first at once, it would be unknown to the isolates that still run with the list of before
([faults](faults.md)).

## IDENTITY_PROVIDERS

Other places where people may sign in; the code by e-mail stays. Register \`ISSUER/sign-in/callback/ID\` as the redirect URI there.
A provider needs metadata, the code flow and PKCE; a row without \`client_secret\` is a public client. \`email\` has to be among the
scopes that it gives.

\`\`\`json
[
  {
    "id": "google",
    "name": "Google",
    "issuer": "https://accounts.google.com",
    "client_id": "1234.apps.googleusercontent.com",
    "client_secret": "..."
  },
  { "kind": "github", "id": "github", "name": "GitHub", "client_id": "Iv1.1234", "client_secret": "..." },
  { "id": "team", "name": "The team", "issuer": "https://PROJECT.supabase.co/auth/v1", "client_id": "1234" }
]
\`\`\`

An account there is linked once: a code goes to the address that the provider has verified, and whoever types it owns both. From
then on the provider signs in alone. It never counts as a fresh sign-in unless it says when it asked, and never as a passkey.

## LIMITS

What is counted in the database. \`LIMITS\` overrides single numbers, for example \`{"servers":50}\`. Limits by IP address
are off where the issuer is on loopback.

${markdownTable(['limit', 'default', 'what it limits'], numberRows('defaultLimits', defaultLimits))}

## LIFETIMES

In seconds. \`LIFETIMES\` overrides single numbers, for example \`{"access_token_seconds":900}\`.

${markdownTable(['lifetime', 'default', 'of what'], numberRows('defaultLifetimes', defaultLifetimes))}

## RETENTION

In seconds. \`RETENTION\` overrides single numbers, for example \`{"audit_seconds":7776000}\`. The scheduled clean-up keeps to it.

${markdownTable(['what', 'default', 'of what'], numberRows('defaultRetention', defaultRetention))}

## Bindings

Rate limits are a first sieve in front of the database, per location and caller. They are bindings in
\`workers/wrangler.jsonc\`; where one is absent, as on plain workerd, that sieve is absent. \`RATE_DOCUMENTS\` counts the calls to
strangers' hosts that one address causes.

Two service bindings are optional: \`DATABASE\` and \`MAIL\`. Where they are there, the database and the mail webhook are called
through them, and the Worker's own network is left for what strangers name. That network is to reach the Internet alone:
\`global_fetch_strictly_public\` sees to it on Cloudflare, \`allow = ["public"]\` on plain workerd, where a database on the same
machine then needs its binding ([on one machine](self-hosting.md)). A test runs the Worker on such a network and shows that a
name which leads to loopback gets no connection.
`
}
