import { logKinds } from '../../workers/test/worker/log-fields.ts'
import { generatedNotice, markdownTable } from './markdown.ts'

export function logsPage(): string {
  const sections = logKinds.map(({ title, told, fields }) => {
    const rows = fields.map(({ name, isAlways, values, meaning }) => [
      `\`${name}\``,
      isAlways ? 'always' : 'sometimes',
      values,
      meaning,
    ])
    return `## ${title}\n\n${told}\n\n${markdownTable(['field', 'there', 'values', 'meaning'], rows)}`
  })
  return `# Logs

${generatedNotice('workers/test/worker/log-fields.ts')}

One JSON object a line, on the console of the Worker: Workers Logs, Logpush or \`wrangler tail\` on Cloudflare, the journal of the
unit on one machine. The fields are a closed list, and a test holds this page against lines that were really written. No line
holds a token, code, key, cookie, query string or e-mail address; JSON escapes whatever a caller put into a header. Who did
what is in the audit events of the database, which name the same \`request_id\`.

${sections.join('\n\n')}

## An example

\`\`\`json
{ "level": "info", "request_id": "req_8s0GqXv2Lr4Tz1Bd", "method": "POST", "route": "/introspect", "status": 200, "reason": "connection_revoked", "ms": 4, "database_calls": 1 }
\`\`\`

What to count, and when to wake somebody: [monitoring](monitoring.md).
`
}
