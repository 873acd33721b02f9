import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLifetimes, defaultLimits } from '../../workers/src/config-defaults.ts'
import { type Variable, variables } from '../../workers/src/config-variables.ts'
import { generatedNotice, markdownTable } from './markdown.ts'

const defaultsSource = readFileSync(join(import.meta.dirname, '../../workers/src/config-defaults.ts'), 'utf8')

/** The comment above a number is its description: whoever adds one writes it there. */
function describeNumber(name: string): string {
  const description = new RegExp(`/\\*\\* ([^*]*) \\*/\\s+${name}: `).exec(defaultsSource)?.[1]
  if (description === undefined) throw new Error(`${name} has no comment in config-defaults.ts`)
  return description
}

function numberRows(numbers: Readonly<Record<string, number>>): string[][] {
  return Object.entries(numbers).map(([name, value]) => [`\`${name}\``, String(value), describeNumber(name)])
}

function variableRow({ name, isSecret, standard, description }: Variable): string[] {
  const kind = isSecret ? 'secret' : 'public'
  const isForOneSender = /for `(resend|webhook)`/.test(description)
  const absent = standard === undefined ? (isForOneSender ? 'needed by its sender' : 'needed') : `\`${standard}\``
  return [`\`${name}\``, kind, absent, description]
}

export function configurationPage(): string {
  return `# Configuration

${generatedNotice('workers/src/config.ts')}

The Worker reads its variables once, at its first request, and refuses to work with a missing, short, equal or example
value. The message names every variable that is wrong, never its value. \`npm start\` makes all of them by itself.

On Cloudflare, public variables stand in \`vars\` of \`workers/wrangler.jsonc\`; secrets are set with
\`wrangler secret put\` and never stand in a file. Use different secrets in every environment.

## Variables

${markdownTable(['variable', 'kind', 'when absent', 'what it is'], variables.map(variableRow))}

A key for \`TOKEN_PEPPERS\` or \`COOKIE_KEYS\` is 32 random bytes with a name of your choice before them:

\`\`\`sh
node -e 'console.log("2026a:" + require("node:crypto").randomBytes(32).toString("base64url"))'
\`\`\`

To rotate one, put the new key first, keep the old one second, and deploy: new secrets are written under the first, old
ones are read under both, and sessions and refresh tokens move over as they are used.

## LIMITS

What is counted in the database. \`LIMITS\` overrides single numbers, for example \`{"servers":50}\`. Limits by IP address
are off where the issuer is on loopback.

${markdownTable(['limit', 'default', 'what it limits'], numberRows(defaultLimits))}

## LIFETIMES

In seconds. \`LIFETIMES\` overrides single numbers, for example \`{"access_token_seconds":900}\`.

${markdownTable(['lifetime', 'default', 'of what'], numberRows(defaultLifetimes))}

## Bindings

Rate limits are a first sieve in front of the database, per location and caller. They are bindings in
\`workers/wrangler.jsonc\`; where one is absent, as on plain workerd, that sieve is absent.
`
}
