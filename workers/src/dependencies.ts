import { clientDocumentKind, keySetKind } from './clients/client-documents.ts'
import { type Config, ConfigError, type EmailSettings } from './config.ts'
import { createSeal, type Seal } from './crypto/seal.ts'
import { createSigningKeys, type SigningKeys } from './crypto/signing-keys.ts'
import { createCallJson } from './documents/call-json.ts'
import { type CallStranger, createCallStranger } from './documents/call-stranger.ts'
import {
  createDocumentReader,
  type DocumentReader,
  type DocumentResult,
  type ReaderSettings,
} from './documents/document-reader.ts'
import { type CheckedUrl, checkDocumentUrl } from './documents/document-url.ts'
import { createHostBudget, type HostBudget } from './documents/host-budget.ts'
import { resolveOverHttps, resolveTextOverHttps } from './documents/resolve.ts'
import { type CheckServer, createSelfCheck } from './documents/self-check.ts'
import { createServerProof, type ReadServerProof } from './documents/server-proof.ts'
import { cloudflareSender } from './email/cloudflare.ts'
import { resendSender } from './email/resend.ts'
import type { SendEmail } from './email/send-email.ts'
import { webhookSender } from './email/webhook.ts'
import { analyticsLog, isDataset } from './http/analytics.ts'
import { type Log, logToConsole } from './http/log.ts'
import { type Counts, countLine, createCounts } from './http/metrics.ts'
import { emailCodeMethod } from './identity/email-code.ts'
import { githubProvider } from './identity/github.ts'
import { type OidcReach, oidcProvider } from './identity/oidc.ts'
import { readProviderMetadata } from './identity/oidc-metadata.ts'
import type { SignInProvider } from './identity/provider.ts'
import type { SignInMethod } from './identity/sign-in-method.ts'
import type { Network } from './network.ts'
import type { Client } from './protocol/client-metadata.ts'
import type { PublicKeySet } from './protocol/client-registration.ts'
import { assertNever } from './protocol/errors.ts'
import { createStore, type Store } from './store/client.ts'
import { createSwitches, type ReadSwitches } from './switches.ts'

export type Dependencies = {
  readonly config: Config
  readonly store: Store
  readonly signIn: SignInMethod
  /** In the order in which they are offered. */
  readonly providers: readonly SignInProvider[]
  readonly sendEmail: SendEmail
  readonly keys: SigningKeys
  readonly seal: Seal
  /** What strangers host, each kind with a memory of its own (SECURITY §24). */
  readonly clientDocuments: DocumentReader<Client>
  readonly keySets: DocumentReader<PublicKeySet>
  readonly readServerProof: ReadServerProof
  /** A server looked at from outside, for its owner. */
  readonly checkServer: CheckServer
  /** A call of a webhook, with a budget of its own: what a host is asked for does not keep it from being told. */
  readonly callWebhook: CallStranger
  /** Why a stranger's URL is never called; undefined where it may be. */
  readonly strangerUrlProblem: (url: string) => string | undefined
  readonly readSwitches: ReadSwitches
  /** Milliseconds since the epoch. What expires is decided by the database's clock, not by this one. */
  readonly clock: () => number
  readonly log: Log
  /** What the log has told so far, in sum; stays empty where nobody may ask. */
  readonly counts: Counts
}

/** Where lines go: the console where nothing else is said, and the dataset of METRICS where that is bound. */
export type Outlets = { readonly write?: Log; readonly dataset?: unknown }

/** The only choice of implementations (ARCHITECTURE "The rooms of the Worker"). */
export function chooseDependencies(config: Config, network: Network, outlets: Outlets = {}): Dependencies {
  const store = createStore({
    ...config.supabase,
    timeoutMs: config.limits.database_milliseconds,
    fetchUrl: network.toDatabase,
  })
  const readSwitches = createSwitches(store, () => Date.now())
  const documents = documentSettings(config, network, readSwitches)
  const readServerProof = createServerProof({ ...documents, ...textResolver(config, network) })
  const callWebhook = createCallStranger({
    ...documents,
    budget: hostBudget(config.limits, config.limits.webhook_calls_per_host),
  })
  const counts = createCounts(Date.now())
  const keySets = createDocumentReader(keySetKind, documents)
  const rules = { privateUseSchemes: config.privateUseSchemes, ...config.documents }
  return {
    config,
    store,
    signIn: emailCodeMethod(),
    providers: signInProviders(config, documents, keySets),
    sendEmail: emailSender(config.email, network),
    keys: createSigningKeys(config.signingKeys),
    seal: createSeal(config.registrationKeys),
    clientDocuments: createDocumentReader(clientDocumentKind(rules), documents),
    keySets,
    readServerProof,
    checkServer: createSelfCheck(createCallStranger(documents), readServerProof),
    callWebhook,
    strangerUrlProblem: (url) => problemOf(checkDocumentUrl(url, documents.policy)),
    readSwitches,
    clock: Date.now,
    log: chooseLog(config, counts, outlets),
    counts,
  }
}

function chooseLog({ metricsToken }: Config, counts: Counts, { write = logToConsole, dataset }: Outlets): Log {
  const analyse = isDataset(dataset) ? analyticsLog(dataset) : undefined
  if (metricsToken === undefined && analyse === undefined) return write
  return (line) => {
    write(line)
    if (metricsToken !== undefined) countLine(counts, line)
    try {
      analyse?.(line)
    } catch {
      // The answer is made, and its line is written: a point that is not taken must undo neither.
    }
  }
}

/** One budget for all kinds: the host does not care what is fetched from it. */
function documentSettings(config: Config, { toStrangers }: Network, readSwitches: ReadSwitches): ReaderSettings {
  const { issuer, limits } = config
  const { allowLoopback, resolverUrl } = config.documents
  return {
    fetchUrl: toStrangers,
    isSwitchedOn: async () => (await readSwitches()).documents,
    ...(resolverUrl !== undefined && { resolveName: resolveOverHttps(resolverUrl, toStrangers) }),
    timeoutMs: limits.document_milliseconds,
    userAgent: `auth-agent-mcp (+${issuer})`,
    policy: { ownOrigins: ownOrigins(config), allowLoopback },
    budget: hostBudget(limits, limits.document_calls_per_host),
    nowSeconds: () => Math.floor(Date.now() / 1_000),
    maximumEntries: limits.documents_remembered,
    failureSeconds: limits.document_failure_seconds,
  }
}

/** An operator's own choice, and still no more trusted with our network than strangers are. */
function signInProviders(
  { identityProviders, limits }: Config,
  documents: ReaderSettings,
  keySets: DocumentReader<PublicKeySet>,
): readonly SignInProvider[] {
  const metadata = createDocumentReader({ maximumBytes: 65_536, read: readProviderMetadata }, documents)
  const call = createCallJson({ ...documents, budget: hostBudget(limits, limits.provider_calls_per_host) })
  const reach: OidcReach = {
    readMetadata: async (url) => readOrProblem(await metadata.read(url)),
    readKeys: async (url) => readOrProblem(await keySets.read(url)),
    readKeysAgain: async (url) => readOrProblem(await keySets.readAgain(url)),
    call,
    nowSeconds: documents.nowSeconds,
  }
  return identityProviders.map((row) => (row.kind === 'github' ? githubProvider(row, call) : oidcProvider(row, reach)))
}

function readOrProblem<Value>(result: DocumentResult<Value>): { readonly value: Value } | { readonly problem: string } {
  return result.outcome === 'read' ? { value: result.value } : { problem: result.detail }
}

function hostBudget(limits: Config['limits'], perHostPerMinute: number): HostBudget {
  return createHostBudget({ perHostPerMinute, failuresToBreak: limits.document_failures_per_host, breakSeconds: 60 })
}

function textResolver({ documents }: Config, { toStrangers }: Network) {
  const { resolverUrl } = documents
  return resolverUrl === undefined ? {} : { resolveText: resolveTextOverHttps(resolverUrl, toStrangers) }
}

function problemOf(checked: CheckedUrl): string | undefined {
  return checked.outcome === 'refused' ? checked.problem : undefined
}

/** Ourselves, and who works for us. */
function ownOrigins({ issuer, supabase, email }: Config): readonly string[] {
  const mail = email.sender === 'webhook' ? [new URL(email.url).origin] : []
  return [issuer, new URL(supabase.url).origin, ...mail]
}

function emailSender(settings: EmailSettings, { toMail: fetchUrl, emailBinding }: Network): SendEmail {
  switch (settings.sender) {
    case 'resend':
      return resendSender({ ...settings, fetchUrl })
    case 'webhook':
      return webhookSender({ ...settings, fetchUrl })
    case 'cloudflare':
      if (emailBinding === undefined) {
        throw new ConfigError('EMAIL_SENDER is cloudflare, which needs the send_email binding EMAIL')
      }
      return cloudflareSender({ ...settings, binding: emailBinding })
    default:
      return assertNever(settings)
  }
}
