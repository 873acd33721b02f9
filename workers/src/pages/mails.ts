import { fillText } from './fill.tsx'
import type { Frame } from './layout.tsx'
import { type Mail, mailOf } from './mail.tsx'

// Every mail there is. They name our host and the server's, which are proven, and nothing that a program or an owner chose
// (SECURITY §16); a program is named only by what stands in our own list of clients.

/** Where and when something happened, in words of ours. */
export type Circumstances = { readonly place: string; readonly moment: string }

export type CodeMailFacts = {
  readonly code: string
  readonly minutes: number
  readonly serverHost: string | undefined
}

/** The subject has no digits, so that a locked screen shows no code. */
export function codeMail(frame: Frame, { code, minutes, serverHost }: CodeMailFacts): Mail {
  const text = frame.messages.code_mail
  const values = { code, minutes: minutes.toString(), host: frame.issuerHost, server_host: serverHost ?? '' }
  const purpose = serverHost === undefined ? [] : [text.purpose]
  const paragraphs = [text.code, ...purpose, text.warning, frame.messages.mail.not_you]
  return mailOf(frame, { subject: text.subject, code, paragraphs: paragraphs.map((one) => fillText(one, values)) })
}

/** A sign-in from a browser that was not known with this address (THREATS C7). */
export function signInMail(frame: Frame, circumstances: Circumstances): Mail {
  const text = frame.messages.sign_in_mail
  const values = { ...circumstances, host: frame.issuerHost }
  const paragraphs = [text.what, text.known, text.stranger].map((one) => fillText(one, values))
  return mailOf(frame, { subject: text.subject, paragraphs })
}

export type PasskeyMailFacts = Circumstances & {
  /** One came, one went, or all of them went because they were said to be lost. */
  readonly kind: 'added' | 'removed' | 'lost'
  /** Until when a code is enough to remove the one that came; undefined: it is not. */
  readonly settles: string | undefined
}

/** A passkey that came or went (THREATS J22). */
export function passkeyMail(frame: Frame, { kind, settles = '', ...circumstances }: PasskeyMailFacts): Mail {
  const text = frame.messages.passkey_mail
  const values = { ...circumstances, settles, host: frame.issuerHost }
  const removal = settles === '' ? [] : [text.settles]
  const paragraphs = [text[kind].what, text.known, text.stranger, ...removal].map((one) => fillText(one, values))
  return mailOf(frame, { subject: text[kind].subject, paragraphs })
}

/** An account elsewhere that came or went (THREATS J22). The name is the operator's. */
export function identityMail(
  frame: Frame,
  kind: 'linked' | 'unlinked',
  facts: Circumstances & { readonly provider: string },
): Mail {
  const text = frame.messages.identity_mail
  const values = { ...facts, host: frame.issuerHost }
  const paragraphs = [text[kind].what, text.known, text.stranger].map((one) => fillText(one, values))
  return mailOf(frame, { subject: text[kind].subject, paragraphs })
}

/** Somebody has said that all passkeys are lost; `removable` is from when on that removes them (THREATS J22, C7). */
export function lostPasskeysMail(frame: Frame, facts: Circumstances & { readonly removable: string }): Mail {
  const text = frame.messages.lost_passkeys_mail
  const values = { ...facts, host: frame.issuerHost }
  const paragraphs = [text.what, text.known, text.stranger, text.sessions].map((one) => fillText(one, values))
  return mailOf(frame, { subject: text.subject, paragraphs })
}

/** Whoever waits for the removal of lost passkeys waits in vain: they are kept, one has signed in, or one came or went. */
export function reportEndedMail(frame: Frame, by: 'kept' | 'used' | 'changed', circumstances: Circumstances): Mail {
  const text = frame.messages.report_ended_mail
  const values = { ...circumstances, host: frame.issuerHost }
  const passkey = by === 'kept' ? [] : [text.passkey]
  const paragraphs = [text[by], text.known, text.stranger, text.again, ...passkey].map((one) => fillText(one, values))
  return mailOf(frame, { subject: text.subject, paragraphs })
}

export type ConnectionMailFacts = Circumstances & {
  /** The name of a pre-registered client; undefined for one that named itself. */
  readonly client: string | undefined
  readonly kind: 'server' | 'management' | 'identity'
  readonly serverHost: string | undefined
}

/** The first connection of a client for this person. */
export function connectionMail(frame: Frame, facts: ConnectionMailFacts): Mail {
  const text = frame.messages.connection_mail
  const { place, moment, client = text.unnamed, serverHost = '' } = facts
  const values = { place, moment, client, host: frame.issuerHost, server_host: serverHost }
  const paragraphs = [text[facts.kind], text.from, text.stranger].map((one) => fillText(one, values))
  return mailOf(frame, { subject: text.subject, paragraphs })
}

/** A connection that was ended because its credentials were used as only a copy can be (SECURITY §19). */
export function theftMail(frame: Frame, serverHost: string | undefined): Mail {
  const text = frame.messages.theft_mail
  const values = { host: frame.issuerHost, server_host: serverHost ?? '' }
  const what = serverHost === undefined ? text.other : text.server
  const paragraphs = [what, text.again, text.stranger].map((one) => fillText(one, values))
  return mailOf(frame, { subject: text.subject, paragraphs })
}

/** Ids that this server made, and a proven URL: nothing in it was chosen by the other side. */
export type TakeoverFacts = {
  readonly server_url: string
  readonly metadata_url: string
  /** The registration that held the URL, and the one that holds it now. */
  readonly from: string
  readonly to: string
}

/** Tells an owner that a server's URL has changed hands (HTTP-API "Proof of server_url"; THREATS J10). */
export function takeoverMail(frame: Frame, side: 'lost' | 'gained', facts: TakeoverFacts): Mail {
  const text = frame.messages.takeover_mail[side]
  const values = { ...facts, host: frame.issuerHost }
  return mailOf(frame, { subject: text.subject, paragraphs: text.paragraphs.map((one) => fillText(one, values)) })
}

export type OwnerMail = keyof Frame['messages']['owner_mail']

/** What was done with a server or with an owner's credentials (THREATS J22). The facts are ids that this server made. */
export function ownerMail(frame: Frame, mail: OwnerMail, facts: Readonly<Record<string, string>>): Mail {
  const text = frame.messages.owner_mail[mail]
  const values = { ...facts, host: frame.issuerHost }
  return mailOf(frame, { subject: text.subject, paragraphs: text.paragraphs.map((one) => fillText(one, values)) })
}

export function deletedMail(frame: Frame, circumstances: Circumstances): Mail {
  const text = frame.messages.deleted_mail
  const values = { ...circumstances, host: frame.issuerHost }
  return mailOf(frame, {
    subject: text.subject,
    paragraphs: [text.what, text.stranger].map((one) => fillText(one, values)),
  })
}
