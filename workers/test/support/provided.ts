declare module 'vitest' {
  /** What the global set-up hands to tests inside workerd. */
  interface ProvidedContext {
    workerVariables: Record<string, string>
    mailboxUrl: string
    serviceKey: string
    sqlUrl: string
    documentHostUrl: string
  }
}

export type {}
