/** The tools a request calls, or why it cannot be said. */
export type CalledTools =
  | {
      outcome: 'read'
      tools: readonly string[]
    }
  | {
      outcome: 'too_large'
    }
  | {
      outcome: 'encoded'
    }
  | {
      outcome: 'not_json'
    }
  | {
      outcome: 'header_mismatch'
      header: 'Mcp-Method' | 'Mcp-Name'
      id: string | number | null
    }
/**
 * Reads a JSON-RPC body, single or batch, from a copy, so that the handler finds its own untouched. The content type
 * is not asked: a handler might not ask either. A body that does not begin like JSON is left alone after its first
 * bytes; one that does and is none is refused, because what we cannot read somebody else might.
 */
export declare function readCalledTools(request: Request, maxBytes: number): Promise<CalledTools>
