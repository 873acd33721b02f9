import type { ExampleLanguage } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import { inject } from 'vitest'

type ProvidedExample = { readonly language: ExampleLanguage; readonly url: string; readonly filesFolder: string }

declare module 'vitest' {
  interface ProvidedContext {
    examples: readonly ProvidedExample[]
    python: string | undefined
  }
}

/** The twins: one example a language, on one stack; without Python the one in TypeScript alone. */
export const examples = inject('examples')

/** The Python that has the official `mcp` package; empty where Python is missing. */
export const python = inject('python') ?? ''
