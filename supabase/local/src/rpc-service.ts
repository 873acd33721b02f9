import { startGateway } from './gateway.ts'
import { openPool, servicePatience } from './pool.ts'

export type RpcService = { readonly url: string; readonly close: () => Promise<void> }

/** The RPC surface over a real PostgreSQL, as a service runs it: with the patience of one. */
export async function startRpcService(databaseUrl: string, jwtSecret: string, port: number): Promise<RpcService> {
  const backend = openPool(databaseUrl, 20, servicePatience)
  const gateway = await startGateway(backend.query, jwtSecret, port)
  const close = async (): Promise<void> => {
    await gateway.close()
    await backend.close()
  }
  return { url: gateway.url, close }
}
