import { listen } from 'auth-agent-mcp-local/src/http.ts'

/** A port of the loopback interface that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = await listen(() => {}, 0, 'a probe')
  await probe.close()
  return probe.port
}
