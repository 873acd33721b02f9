import { expect, it } from 'vitest'
import { connect, exchange, form, introspect, openServer, refresh } from '../support/worker/flow.ts'
import { brokenStore, type House, openHouse } from '../support/worker/house.ts'

const METRICS_TOKEN = 'a-token-for-metrics-0123456789-abcdefghij'
const openMeasured = (): House => openHouse({ variables: { METRICS_TOKEN } })
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

async function scrape(house: House): Promise<string> {
  const { status, text } = await house.send('/metrics', bearer(METRICS_TOKEN))
  expect(status).toBe(200)
  return text
}

it('M11 there are no metrics where no token is configured', async () => {
  const plain = openHouse()
  const { status, text } = await plain.send('/metrics', bearer(METRICS_TOKEN))
  expect([status, text.includes('metrics')]).toEqual([404, false])
})

it.each([undefined, '', METRICS_TOKEN.slice(1), `${METRICS_TOKEN}x`, METRICS_TOKEN.toUpperCase()])(
  'M11 metrics are for who holds the token: not with %j',
  async (token) => {
    const { status, headers, text } = await openMeasured().send('/metrics', token === undefined ? {} : bearer(token))
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="metrics"'])
    expect(text).not.toContain('# TYPE')
  },
)

it('tells requests by route, method, status and reason, durations and database calls by route', async () => {
  const house = openMeasured()
  const owner = await openServer()
  const { access_token } = await connect(owner)
  await introspect(owner, access_token, house)
  await introspect(owner, 'garbage', house)
  await introspect({ ...owner, key_secret: 'sk_invented' }, access_token, house)
  await house.send('/nothing/here?code=secret')
  await house.send('/nothing', { method: 'PROPFIND' })
  const answer = await house.send('/metrics', bearer(METRICS_TOKEN))
  expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  for (const line of [
    'auth_agent_requests_total{route="/introspect",method="POST",status="200",reason=""} 1',
    'auth_agent_requests_total{route="/introspect",method="POST",status="200",reason="token_malformed"} 1',
    'auth_agent_requests_total{route="/introspect",method="POST",status="401",reason="key_unknown"} 1',
    'auth_agent_requests_total{route="none",method="GET",status="404",reason="not_found"} 1',
    'auth_agent_requests_total{route="none",method="other",status="404",reason="not_found"} 1',
    'auth_agent_database_calls_total{route="/introspect"} 1',
    'auth_agent_request_duration_seconds_bucket{route="/introspect",le="+Inf"} 3',
    'auth_agent_request_duration_seconds_count{route="/introspect"} 3',
    'auth_agent_alarms_total{alarm="key_refused"} 1',
  ]) {
    expect(answer.text.split('\n')).toContain(line)
  }
})

it('counts each alarm from the beginning, so that the first one is an increase', async () => {
  const house = openMeasured()
  const before = await scrape(house)
  const owner = await openServer()
  const grant = await connect(owner)
  await exchange(grant, {}, house)
  const stolen = await connect(owner)
  const second = (await refresh(stolen.refresh_token, {}, house)).json as { refresh_token: string }
  await refresh(second.refresh_token, {}, house)
  await refresh(stolen.refresh_token, {}, house)
  const after = await scrape(house)
  for (const alarm of ['code_replayed', 'refresh_reused']) {
    expect(before).toContain(`auth_agent_alarms_total{alarm="${alarm}"} 0\n`)
    expect(after).toContain(`auth_agent_alarms_total{alarm="${alarm}"} 1\n`)
  }
})

it('M2 holds no token, code, key, address or query, whatever came in', async () => {
  const house = openMeasured()
  const owner = await openServer()
  const tokens = await connect(owner)
  await house.send(`/token?code=${tokens.code}`, form({ code: tokens.code }))
  await introspect(owner, tokens.access_token, house)
  const text = await scrape(house)
  for (const secret of [tokens.code, tokens.access_token, owner.key_secret, owner.server_id, tokens.visitor.email]) {
    expect(text).not.toContain(secret)
  }
})

it('has as many series as there are routes and reasons, not as many as there are requests', async () => {
  const house = openMeasured()
  await scrape(house)
  const before = (await scrape(house)).split('\n').length
  for (let count = 0; count < 50; count += 1) {
    await house.send(`/${crypto.randomUUID()}`, { headers: { 'user-agent': crypto.randomUUID() } })
    await house.send(`/.well-known/${crypto.randomUUID()}`)
    await house.send(`/api/servers/srv_${count}`)
  }
  expect((await scrape(house)).split('\n').length).toBeLessThan(before + 60)
})

type Point = { indexes: string[]; blobs: string[]; doubles: number[] }

it('writes one data point a line to Workers Analytics Engine where it is bound, token or not', async () => {
  const points: Point[] = []
  const METRICS = { writeDataPoint: (point: Point) => void points.push(point) }
  const house = openHouse({ bindings: { METRICS } })
  const broken = openHouse({ bindings: { METRICS }, dependencies: { store: brokenStore } })
  await house.send('/health')
  await broken.send('/ready')
  expect(points).toEqual([
    { indexes: ['/health'], blobs: ['/health', 'GET', '200', '', '', ''], doubles: [expect.any(Number), 0] },
    {
      indexes: ['/ready'],
      blobs: ['/ready', 'GET', '503', 'store_unavailable', '', 'store_unavailable'],
      doubles: [expect.any(Number), 1],
    },
  ])
})

it('answers and writes its line although a data point is not taken', async () => {
  const METRICS = {
    writeDataPoint: () => {
      throw new Error('too many data points')
    },
  }
  const house = openHouse({ bindings: { METRICS } })
  expect((await house.send('/health')).status).toBe(200)
  expect(house.lines).toMatchObject([{ route: '/health', status: 200 }])
})
