import { fill } from './fill.tsx'
import { type Domains, Host } from './form.tsx'
import type { Frame } from './layout.tsx'

/** What vouches for a program's name. */
export type ClientProof =
  | { readonly kind: 'published'; readonly host: string }
  /** Published under the name of a program that comes from elsewhere. */
  | { readonly kind: 'borrowed'; readonly host: string; readonly name: string }
  | { readonly kind: 'registered' }
  | { readonly kind: 'unverified' }

type ProofProps = { readonly proof: ClientProof; readonly frame: Frame; readonly domains?: Domains }

export const Proof = ({ proof, frame, domains = {} }: ProofProps) => {
  const text = frame.messages.consent
  if (proof.kind === 'published') {
    return <span class="proof">{fill(text.published_by, { host: <Host domains={domains}>{proof.host}</Host> })}</span>
  }
  if (proof.kind === 'borrowed') {
    const host = <Host domains={domains}>{proof.host}</Host>
    return (
      <>
        <span class="proof">{fill(text.published_by, { host })}</span>{' '}
        <span class="tag caution">{text.borrowed_name}</span>{' '}
        <span class="hint">{fill(text.borrowed_name_help, { host, name: proof.name })}</span>
      </>
    )
  }
  if (proof.kind === 'registered') {
    return <span class="proof">{fill(text.registered, { host: <Host>{frame.issuerHost}</Host> })}</span>
  }
  return (
    <>
      <span class="tag caution">{text.name_not_verified}</span> <span class="hint">{text.name_not_verified_help}</span>
    </>
  )
}

/** The same in a list, beside the name: only what a person has to notice there. */
export const ProofTag = ({ proof, frame }: ProofProps) => {
  const text = frame.messages.consent
  if (proof.kind === 'registered') return null
  if (proof.kind === 'unverified') return <span class="tag caution">{text.name_not_verified}</span>
  return (
    <>
      <span class="item-host">{fill(text.published_by, { host: proof.host })}</span>
      {proof.kind === 'borrowed' && <span class="tag caution">{text.borrowed_name}</span>}
    </>
  )
}
