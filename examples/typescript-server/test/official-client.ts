import {
  Client,
  type ClientOptions,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'

/** The official client with a person who says yes at once: the browser's part is one request. */
export function createPerson(serverUrl: string, options: ClientOptions) {
  let tokens: StoredOAuthTokens | undefined
  let discovery: OAuthDiscoveryState | undefined
  let verifier = ''
  let callback = new URLSearchParams()
  const authProvider: OAuthClientProvider = {
    redirectUrl: 'http://localhost:3118/callback',
    clientMetadata: { redirect_uris: ['http://localhost:3118/callback'], token_endpoint_auth_method: 'none' },
    state: () => 'state-of-the-test',
    clientInformation: () => ({ client_id: 'client_test' }),
    tokens: () => tokens,
    saveTokens(saved) {
      tokens = saved
    },
    saveDiscoveryState(saved) {
      discovery = saved
    },
    discoveryState: () => discovery,
    saveCodeVerifier(saved) {
      verifier = saved
    },
    codeVerifier: () => verifier,
    async redirectToAuthorization(url) {
      const response = await fetch(url, { redirect: 'manual' })
      callback = new URL(response.headers.get('location') ?? '').searchParams
    },
  }
  let client = new Client({ name: 'test', version: '1.0.0' }, options)
  let transport = new StreamableHTTPClientTransport(new URL(serverUrl), { authProvider })

  return {
    tokens: () => tokens,
    client: () => client,
    /** Connects; where that needs the person, signs in and connects again. */
    async connect(): Promise<void> {
      try {
        await client.connect(transport)
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error
        await transport.finishAuth(callback)
        client = new Client({ name: 'test', version: '1.0.0' }, options)
        transport = new StreamableHTTPClientTransport(new URL(serverUrl), { authProvider })
        await client.connect(transport)
      }
    },
    /** Calls a tool; where that needs the person again (step-up), signs in and calls it again. */
    async call(name: string, parameters: Record<string, unknown> = {}): Promise<string> {
      try {
        return await callOnce(name, parameters)
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error
        await transport.finishAuth(callback)
        return await callOnce(name, parameters)
      }
    },
  }

  async function callOnce(name: string, parameters: Record<string, unknown>): Promise<string> {
    const result = await client.callTool({ name, arguments: parameters })
    const [first] = result.content
    return `${result.isError ? 'error: ' : ''}${first?.type === 'text' ? first.text : ''}`
  }
}
