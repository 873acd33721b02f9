import { Act, type ServerFrame, type Text, When } from './dashboard-parts.tsx'
import { fill } from './fill.tsx'

export type ProofView = {
  readonly required: boolean
  readonly metadata_url?: string | undefined
  readonly metadata?: object | undefined
  readonly dns_txt?: { readonly name: string; readonly value: string } | undefined
}

export type CheckView = {
  readonly name: string
  readonly passed: boolean
  readonly seen: string
  readonly change?: string | undefined
}

type ProofProps = { readonly view: ServerFrame; readonly proof: ProofView; readonly checks: readonly CheckView[] }

/** How the URL is proven, what was seen at the last look, word for word, and what can be done (HTTP-API "Proof of server_url"). */
export const Proof = ({ view, proof, checks }: ProofProps) => {
  const { server, clock, ticket } = view
  const text = view.frame.messages.dashboard
  const { seen, checked_at_seconds } = server.proof ?? {}
  return (
    <section>
      <h2>{text.proof}</h2>
      <Standing view={view} proof={proof} text={text} />
      {proof.required && <ProofPlace proof={proof} text={text} />}
      {seen && checked_at_seconds && (
        <>
          <p class="hint">{fill(text.proof_seen, { moment: <When seconds={checked_at_seconds} clock={clock} /> })}</p>
          <p class="detail">{seen}</p>
        </>
      )}
      <div class="row">
        {proof.required && <Act ticket={ticket} act="verify" label={text.verify} />}
        <Act ticket={ticket} act="check" label={text.check} />
      </div>
      {checks.length > 0 && <Checks checks={checks} text={text} />}
    </section>
  )
}

const Standing = ({ view: { server }, proof, text }: Omit<ProofProps, 'checks'> & { readonly text: Text }) => {
  if (server.proof?.failing_since_seconds !== undefined) return <p class="caution-text">{text.proof_failing}</p>
  if (proof.required) return null
  return <p>{server.proof?.method === undefined ? text.proof_none : text.proof_stands}</p>
}

const ProofPlace = ({ proof, text }: { proof: ProofView; text: Text }) => (
  <>
    <p>{fill(text.proof_how, { url: <code>{proof.metadata_url ?? ''}</code> })}</p>
    <div class="code-box">
      <pre class="wraps">
        <code>{JSON.stringify(proof.metadata, null, 2)}</code>
      </pre>
    </div>
    {proof.dns_txt && (
      <p>
        {fill(text.proof_dns, { name: <code>{proof.dns_txt.name}</code>, value: <code>{proof.dns_txt.value}</code> })}
      </p>
    )}
  </>
)

const checkNames = ['metadata', 'challenge', 'preflight', 'audience'] as const

function checkWords(name: string, text: Text): string {
  const known = checkNames.find((one) => one === name)
  return known === undefined ? name : text[`check_${known}`]
}

/** What was seen from outside, and what to change; where the look has just been made, it is read out. */
const Checks = ({ checks, text }: { checks: readonly CheckView[]; text: Text }) => (
  <div role="status">
    <h3>{text.checks}</h3>
    <ul class="events">
      {checks.map((check) => (
        <li class="event">
          <p>
            <b>{checkWords(check.name, text)}</b>{' '}
            <span class={check.passed ? 'tag fresh' : 'tag caution'}>
              {check.passed ? text.check_passed : text.check_failed}
            </span>
          </p>
          <p class="hint">{check.seen}</p>
          {check.change && <p>{check.change}</p>}
        </li>
      ))}
    </ul>
  </div>
)
