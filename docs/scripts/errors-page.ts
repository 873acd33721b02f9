import type { ReasonEntry } from '../../workers/src/protocol/reason-entry.ts'
import { reasons } from '../../workers/src/protocol/reasons.ts'
import { generatedNotice } from './markdown.ts'

const entries: readonly (readonly [string, ReasonEntry])[] = Object.entries(reasons)

function section([reason, entry]: readonly [string, ReasonEntry]): string {
  const { error, status, title, what_happened, what_to_do } = entry
  return `## ${reason}

**${title}.** \`${error}\`, status ${status}. ${what_happened}.

${what_to_do}`
}

export function errorsPage(): string {
  const sorted = [...entries].sort(([one], [other]) => one.localeCompare(other, 'en'))
  return `# Errors

${generatedNotice('workers/src/protocol/reasons.ts')}

Every refusal has a stable reason code. In an answer it is the fragment of \`error_uri\` (\`/errors#code_replayed\` on your
issuer shows the same text as this page); in the log line and the audit event of that request it is \`reason\`. An answer
looks like this:

\`\`\`json
{
  "error": "invalid_grant",
  "error_description": "The code was already used",
  "error_uri": "http://localhost:9400/errors#code_replayed"
}
\`\`\`

\`X-Request-Id\` of the answer is \`request_id\` in the log. The codes, in alphabetical order:

${sorted.map(section).join('\n\n')}
`
}
