import { clientDocumentKind, keySetKind } from './clients/client-documents.ts'
import type { Config, EmailSettings } from './config.ts'
import { createSeal, type Seal } from './crypto/seal.ts'
import { createSigningKeys, type SigningKeys } from './crypto/signing-keys.ts'
import { createDocumentReader, type DocumentReader, type ReaderSettings } from './documents/document-reader.ts'
import { createHostBudget } from './documents/host-budget.ts'
import { resolveOverHttps } from './documents/resolve.ts'
import { createServerProof, type ReadServerProof } from './documents/server-proof.ts'
import { resendSender } from './email/resend.ts'
import type { SendEmail } from './email/send-email.ts'
import { webhookSender } from './email/webhook.ts'
import { type Log, logToConsole } from './http/log.ts'
import { emailCodeMethod } from './identity/email-code.ts'
import type { SignInMethod } from './identity/sign-in-method.ts'
import type { Client } from './protocol/client-metadata.ts'
import type { PublicKeySet } from './protocol/client-registration.ts'
import { createStore, type Store } from './store/client.ts'

export type Dependencies = {
  readonly config: Config
  readonly store: Store
  readonly signIn: SignInMethod
  readonly sendEmail: SendEmail
  readonly keys: SigningKeys
  readonly seal: Seal
  /** What strangers host, each kind with a memory of its own (SECURITY §24). */
  readonly clientDocuments: DocumentReader<Client>
  readonly keySets: DocumentReader<PublicKeySet>
  readonly readServerProof: ReadServerProof
  /** Milliseconds since the epoch. What expires is decided by the database's clock, not by this one. */
  readonly clock: () => number
  readonly log: Log
}

/** Above the database's own statement timeout of 3 s, so that its answer is heard. */
const databaseTimeoutMs = 5_000

/** The only choice of implementations (ARCHITECTURE.md, The house). */
export function chooseDependencies(config: Config): Dependencies {
  const documents = documentSettings(config)
  const rules = { privateUseSchemes: config.privateUseSchemes, redirectExceptions: config.documents.redirectExceptions }
  return {
    config,
    store: createStore({ ...config.supabase, timeoutMs: databaseTimeoutMs }),
    signIn: emailCodeMethod(),
    sendEmail: emailSender(config.email),
    keys: createSigningKeys(config.signingKeys),
    seal: createSeal(config.registrationKeys),
    clientDocuments: createDocumentReader(clientDocumentKind(rules), documents),
    keySets: createDocumentReader(keySetKind, documents),
    readServerProof: createServerProof(documents),
    clock: Date.now,
    log: logToConsole,
  }
}

/** One budget for all kinds: the host does not care what is fetched from it. */
function documentSettings({ issuer, limits, documents }: Config): ReaderSettings {
  const own = new URL(issuer).hostname
  const { allowLoopback, resolverUrl } = documents
  return {
    // A function of its own, because workerd's fetch must not be called as a method.
    fetchUrl: (input, init) => fetch(input, init),
    ...(resolverUrl !== undefined && {
      resolveName: resolveOverHttps(resolverUrl, (input, init) => fetch(input, init)),
    }),
    timeoutMs: limits.document_milliseconds,
    userAgent: `auth-agent-mcp (+${issuer})`,
    policy: { ownHosts: [own], allowLoopback },
    budget: createHostBudget({
      perHostPerMinute: limits.document_calls_per_host,
      failuresToBreak: limits.document_failures_per_host,
      breakSeconds: 60,
    }),
    nowSeconds: () => Math.floor(Date.now() / 1_000),
    maximumEntries: limits.documents_remembered,
    failureSeconds: limits.document_failure_seconds,
  }
}

function emailSender(settings: EmailSettings): SendEmail {
  return settings.sender === 'resend' ? resendSender(settings) : webhookSender(settings)
}
