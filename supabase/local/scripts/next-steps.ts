import { type ExampleLanguage, sampleFilesOf } from './example-programs.ts'

export type Addresses = {
  issuer: string
  mailbox: string
  example: { url: string; language: ExampleLanguage } | undefined
  folder: string
}

const names: Readonly<Record<ExampleLanguage, string>> = { typescript: 'TypeScript', python: 'Python' }

const presetClient = 'client_claude_code'

/** What a person can do now that everything runs. */
export function nextSteps({ issuer, mailbox, example, folder }: Addresses): string {
  return `
Auth-Agent MCP is running. Ctrl-C ends it; everything is kept in ${folder}

  authorization server   ${issuer}   (/account for people, /dashboard for owners of servers, /docs for the API)
  mailbox                ${mailbox}   (sign-in codes arrive here)
${example === undefined ? '' : exampleSteps(example)}
Register a server of your own (use the URL people will connect to, path included), then make its key:

  curl -sS ${issuer}/api/servers -H 'content-type: application/json' \\
    -d '{"server_url":"http://localhost:3000/mcp","server_name":"My server","scopes":["files:read"]}'

  curl -sS ${issuer}/api/servers/SERVER_ID/keys -H 'authorization: Bearer MANAGEMENT_TOKEN' \\
    -H 'content-type: application/json' -d '{"name":"laptop"}'
`
}

function exampleSteps({ url, language }: { url: string; language: ExampleLanguage }): string {
  return `  example MCP server     ${url}   (${names[language]}; it shares ${sampleFilesOf(language)})

Connect a client to the example, for instance Claude Code (then /mcp, Authenticate):

  claude mcp add --transport http --client-id ${presetClient} auth-agent-example ${url}
`
}
