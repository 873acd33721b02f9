import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { bundleWorker } from '../../scripts/bundle.ts'

export type RunningWorker = {
  /** What the Worker logged, newest last. */
  log: () => readonly string[]
  /** Runs the scheduled handler, as the cron trigger does. */
  runScheduled: () => Promise<void>
  close: () => Promise<void>
}

const linesKept = 1000

/**
 * A way out for the Worker on which these certificates (PEM) count beside the usual ones: `tlsOptions` of a network in a
 * configuration of workerd, which Miniflare gives to bindings only.
 */
const wayOut = (trustedCertificates: readonly string[]) => ({
  name: 'way-out',
  modules: [
    {
      type: 'ESModule' as const,
      path: 'way-out.js',
      contents: 'export default { fetch: (request, { NETWORK }) => NETWORK.fetch(request) }',
    },
  ],
  compatibilityDate: '2026-10-20',
  serviceBindings: {
    NETWORK: {
      network: {
        allow: ['public', 'private'],
        tlsOptions: { trustBrowserCas: true, trustedCertificates: [...trustedCertificates] },
      },
    },
  },
})

/** Bundles the Worker and runs it in workerd on a loopback port, with the bindings of wrangler.jsonc. */
export async function runWorker(
  port: number,
  variables: Readonly<Record<string, string>>,
  trustedCertificates: readonly string[] = [],
): Promise<RunningWorker> {
  const lines: string[] = []
  const keep = ({ message }: { message: string }): void => {
    lines.push(message)
    if (lines.length > linesKept) lines.shift()
  }
  const modules = await bundleWorker()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port,
      cf: false,
      handleStructuredLogs: keep,
      workers: [
        {
          name: 'auth-agent-mcp',
          modules: modules.map(({ name, text }) => ({ type: 'ESModule' as const, path: name, contents: text })),
          compatibilityDate: '2026-10-20',
          compatibilityFlags: ['global_fetch_strictly_public'],
          bindings: { ...variables },
          ...(trustedCertificates.length > 0 && { outboundService: 'way-out' }),
        },
        ...(trustedCertificates.length > 0 ? [wayOut(trustedCertificates)] : []),
      ],
    }),
  )
  await miniflare.ready
  const runScheduled = async () => {
    const { outcome } = await (await miniflare.getWorker('auth-agent-mcp')).scheduled()
    if (outcome !== 'ok') throw new Error(`the scheduled handler ended with ${outcome}`)
  }
  return { log: () => lines, runScheduled, close: () => miniflare.dispose() }
}
