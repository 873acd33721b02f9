import { type Frame, Layout } from './layout.tsx'

/** One operation, as the document has it. */
export type OperationView = {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly scope: string | undefined
  readonly parameters: readonly MemberView[]
  readonly members: readonly MemberView[]
}

export type MemberView = { readonly name: string; readonly type: string; readonly required: boolean }

type ApiDocsProps = { readonly frame: Frame; readonly operations: readonly OperationView[] }

/** The OpenAPI document for people. English, like what it is made from. */
export function ApiDocsPage({ frame, operations }: ApiDocsProps) {
  return (
    <Layout frame={frame} title="API" wide>
      <h1>API</h1>
      <p class="lead" lang="en">
        Everything on the dashboard, for curl, programs and CI. Send <code>Authorization: Bearer</code> with a
        management token, a personal token or an access token for this API. The same for programs:{' '}
        <a href="/openapi.json">openapi.json</a>.
      </p>
      <nav aria-label="Operations" lang="en">
        <ul class="index">
          {operations.map((operation) => (
            <Entry operation={operation} />
          ))}
        </ul>
      </nav>
      <div lang="en">
        {operations.map((operation) => (
          <Operation operation={operation} />
        ))}
      </div>
    </Layout>
  )
}

type OperationProps = { readonly operation: OperationView }

const Entry = ({ operation: { id, method, path, summary } }: OperationProps) => (
  <li>
    <a href={`#${id}`}>{summary}</a>
    <code>
      {method} {path}
    </code>
  </li>
)

function Operation({ operation }: OperationProps) {
  const { id, method, path, summary, scope, parameters, members } = operation
  return (
    <section id={id} class="section">
      <h2>{summary}</h2>
      <p class="endpoint">
        <code>
          <b>{method}</b> {path}
        </code>
        {scope !== undefined && <code class="chip">{scope}</code>}
      </p>
      <Members title="Parameters" members={parameters} />
      <Members title="Body" members={members} />
    </section>
  )
}

function Members({ title, members }: { readonly title: string; readonly members: readonly MemberView[] }) {
  if (members.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <dl class="members">
        {members.map(({ name, type, required }) => (
          <div>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>
              {type}
              {required ? '' : ', optional'}
            </dd>
          </div>
        ))}
      </dl>
    </>
  )
}
