import { readFileSync } from 'node:fs'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { registerOwnServer } from '../../bench/visitor.ts'
import { bundleWorker } from '../../scripts/bundle.ts'
import { walk } from '../faults/journey.ts'
import { readMetrics } from '../support/metrics-reader.ts'
import { type Place, startPlace } from '../workerd/place.ts'

const METRICS_TOKEN = 'a-token-for-metrics-0123456789-abcdefghij'

let place: Place
beforeAll(async () => {
  place = await startPlace({ variables: { METRICS_TOKEN } })
})
afterAll(() => place.close())

it('metrics after a connection’s whole life are OpenMetrics to a parser of others, and sum up to the log', async () => {
  const server = await registerOwnServer(place.issuer)
  await walk({ place, server })
  const headers = { authorization: `Bearer ${METRICS_TOKEN}`, accept: 'application/openmetrics-text; version=1.0.0' }
  const answer = await fetch(`${place.issuer}/metrics`, { headers })
  expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  const families = await readMetrics(await answer.text())
  expect(Object.fromEntries(families.map(({ name, type }) => [name, type]))).toEqual({
    auth_agent_requests: 'counter',
    auth_agent_request_duration_seconds: 'histogram',
    auth_agent_database_calls: 'counter',
    auth_agent_events: 'counter',
    auth_agent_alarms: 'counter',
    auth_agent_job_runs: 'counter',
    auth_agent_job_rows: 'counter',
    auth_agent_start_time_seconds: 'gauge',
  })
  const samples = families.flatMap((family) => family.samples)
  const sumOf = (name: string) =>
    samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0)
  const lines = readFileSync(place.worker().logPath, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"route"') && !line.includes('"/metrics"'))
  expect(sumOf('auth_agent_requests_total')).toBe(lines.length)
  expect(sumOf('auth_agent_request_duration_seconds_count')).toBe(lines.length)
  expect(sumOf('auth_agent_alarms_total')).toBe(0)
})

it('a parser of others refuses what is no OpenMetrics', async () => {
  await expect(readMetrics('auth_agent_requests_total 1\n')).rejects.toThrow('EOF')
})

it('Workers Analytics Engine, as workerd binds it, takes what the Worker writes', async () => {
  const lines: string[] = []
  const modules = await bundleWorker()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs: ({ message }) => void lines.push(message),
      modules: modules.map(({ name, text }) => ({ type: 'ESModule' as const, path: name, contents: text })),
      compatibilityDate: '2026-10-20',
      bindings: { ...place.variables() },
      analyticsEngineDatasets: { METRICS: { dataset: 'auth_agent_mcp' } },
    }),
  )
  try {
    const answer = await miniflare.dispatchFetch(`${place.issuer}/health`)
    expect(await answer.json()).toEqual({ status: 'ok' })
    const { METRICS } = await miniflare.getBindings<{ METRICS: { writeDataPoint: unknown } }>()
    expect(METRICS.writeDataPoint).toBeTypeOf('function')
    expect(lines.filter((line) => line.includes('"level":"error"') || line.includes('writeDataPoint'))).toEqual([])
  } finally {
    await miniflare.dispose()
  }
})
