import {
  Client,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { callbackOf, createProgram, type Identity, recordFetch } from '../conformance/mcp-program.ts'
import type { Person } from '../support/person.ts'

type Settings = { url: string; redirectUri: string; mode?: 'auto' | 'legacy'; identity?: Identity }

/** A program with the official TypeScript client; it registers itself unless it is told who it is. */
export function startTypescriptProgram(
  person: Person,
  { url, redirectUri, mode = 'auto', identity = { kind: 'dynamic' } }: Settings,
) {
  const { memory, provider } = createProgram<StoredOAuthTokens>(person, redirectUri, identity)
  const { wire, fetch } = recordFetch()
  let discovered: OAuthDiscoveryState | undefined
  const authProvider: OAuthClientProvider = {
    ...provider,
    discoveryState: () => discovered,
    saveDiscoveryState: (saved) => {
      discovered = saved
    },
  }
  const open = () => {
    const client = new Client({ name: 'examples', version: '1' }, { versionNegotiation: { mode } })
    return { client, transport: new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch }) }
  }
  let now = open()

  /** Does it; where that needs the person, finishes what the person began and does it again. */
  async function withPerson<Result>(act: () => Promise<Result>, again: () => Promise<Result>): Promise<Result> {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      await now.transport.finishAuth(callbackOf(memory))
      return again()
    }
  }

  async function callOnce(name: string, parameters: Record<string, unknown>) {
    const { content, isError = false } = await now.client.callTool({ name, arguments: parameters })
    const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
    return { text, is_error: isError }
  }

  return {
    memory,
    wire,
    /** Gives the protocol version that was agreed on. */
    connect: async () => {
      const connectAnew = async () => {
        now = open()
        await now.client.connect(now.transport)
      }
      await withPerson(() => now.client.connect(now.transport), connectAnew)
      return now.client.getNegotiatedProtocolVersion()
    },
    call: (name: string, parameters: Record<string, unknown> = {}) =>
      withPerson(
        () => callOnce(name, parameters),
        () => callOnce(name, parameters),
      ),
    end: () => now.client.close(),
  }
}
