import { CodeBox } from './code-box.tsx'
import { type Frame, Layout } from './layout.tsx'
import type { Messages } from './messages/en.ts'

export type HomeView = { readonly frame: Frame; readonly issuer: string }

const registerCommand = (issuer: string) =>
  `curl ${issuer}/api/servers \\
  -H 'Content-Type: application/json' \\
  -d '{"server_url":"https://host/mcp",
       "server_name":"My server",
       "scopes":["files:read"]}'`

const keyCommand = (issuer: string) =>
  `curl ${issuer}/api/servers/srv_…/keys \\
  -H 'Authorization: Bearer smt_…' \\
  -H 'Content-Type: application/json' \\
  -d '{"name":"production"}'`

const middleware = `app.use('/mcp', authAgentMiddleware({
  serverId, apiKey, requiredScopes: ['files:read'],
}))`

type StepProps = { readonly title: string; readonly detail: string; readonly code: string }

const Step = ({ title, detail, code }: StepProps) => (
  <li>
    <p>
      <b>{title}</b> {detail}
    </p>
    <CodeBox title={title} code={code} />
  </li>
)

const Endpoints = ({ issuer, text }: { issuer: string; text: Messages['home'] }) => (
  <ul class="plain-list links">
    <li>
      <a href={`${issuer}/.well-known/oauth-authorization-server`}>{text.endpoint_metadata}</a>
    </li>
    <li>
      <a href={`${issuer}/.well-known/jwks.json`}>{text.endpoint_jwks}</a>
    </li>
    <li>
      <a href="/docs">{text.endpoint_api}</a>
    </li>
    <li>
      <a href={`${issuer}/errors`}>{text.endpoint_errors}</a>
    </li>
  </ul>
)

export const HomePage = ({ frame, issuer }: HomeView) => {
  const text = frame.messages.home
  return (
    <Layout title={text.title} frame={frame} wide>
      <h1>{text.heading}</h1>
      <p class="lead">{text.lead}</p>
      <h2>{text.user_heading}</h2>
      <p>{text.user_text}</p>
      <p>
        <a href="/account">{text.user_account}</a>
      </p>
      <h2>{text.owner_heading}</h2>
      <ol class="steps">
        <Step title={text.owner_register} detail={text.owner_register_detail} code={registerCommand(issuer)} />
        <Step title={text.owner_key} detail={text.owner_key_detail} code={keyCommand(issuer)} />
        <Step title={text.owner_protect} detail={text.owner_protect_detail} code={middleware} />
      </ol>
      <p class="steps-end">
        <a href="/dashboard">{text.owner_dashboard}</a>
      </p>
      <h2>{text.endpoints}</h2>
      <Endpoints issuer={issuer} text={text} />
    </Layout>
  )
}
