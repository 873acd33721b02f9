import { CodeBox } from './code-box.tsx'
import { Section, type ServerView, type Text } from './dashboard-parts.tsx'

type MiddlewareProps = { readonly server: ServerView; readonly issuer: string; readonly text: Text }

const variables = (issuer: string, server_id: string) => `AUTH_AGENT_ISSUER=${issuer}
AUTH_AGENT_SERVER_ID=${server_id}
AUTH_AGENT_API_KEY=sk_…`

const typescript = (scope: string) => `import { authAgentMiddleware } from 'auth-agent-mcp-sdk'

app.use(authAgentMiddleware({
  serverId: process.env.AUTH_AGENT_SERVER_ID,
  apiKey: process.env.AUTH_AGENT_API_KEY,
  requiredScopes: ['${scope}'],
}))`

const python = (scope: string) => `import os
from auth_agent_mcp import AuthAgentMiddleware

app.add_middleware(
    AuthAgentMiddleware,
    server_id=os.environ["AUTH_AGENT_SERVER_ID"],
    api_key=os.environ["AUTH_AGENT_API_KEY"],
    required_scopes=["${scope}"],
)`

/** What a key is for: the variables and the middleware of this very server. The key itself is shown elsewhere, once (J5). */
export const Middleware = ({ server, issuer, text }: MiddlewareProps) => {
  const scope = server.scopes[0]?.name ?? ''
  return (
    <Section title={text.use}>
      <p>{text.use_lead}</p>
      <CodeBox title={text.use_variables} code={variables(issuer, server.server_id)} />
      <h3>TypeScript</h3>
      <CodeBox title="TypeScript" code={typescript(scope)} />
      <h3>Python</h3>
      <CodeBox title="Python" code={python(scope)} />
    </Section>
  )
}
