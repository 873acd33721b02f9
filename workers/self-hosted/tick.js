// Runs the scheduled handler once for each request: plain workerd has no cron trigger, so a timer asks here. What the jobs did is
// counted in this isolate and not in the one that answers clients, so it is scraped here as well.
import worker from './worker.js'

// biome-ignore lint/style/noDefaultExport: the Workers runtime takes the default export.
export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === '/metrics') {
      return worker.fetch(new Request(new URL('/metrics', env.ISSUER), request), env, context)
    }
    await worker.scheduled({ scheduledTime: Date.now(), cron: '', noRetry() {} }, env, context)
    return new Response(null, { status: 204 })
  },
}
