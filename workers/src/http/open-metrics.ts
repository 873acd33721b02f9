import { boundsMs, type Counts, type Durations, labelSeparator } from './metrics.ts'

/** OpenMetrics 1.0, section "Protocol Negotiation". */
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

type Family = {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly unit?: 'seconds'
  readonly samples: readonly string[]
}

/** The counts as OpenMetrics text, which Prometheus reads. */
export function renderOpenMetrics(counts: Counts): string {
  return `${families(counts).map(renderFamily).join('')}# EOF\n`
}

function families(counts: Counts): readonly Family[] {
  const counter = (
    name: string,
    help: string,
    labels: readonly string[],
    series: ReadonlyMap<string, number>,
  ): Family => ({
    name,
    type: 'counter',
    help,
    samples: [...series].map(([key, count]) => sample(`${name}_total`, pairs(labels, key), count)),
  })
  return [
    counter(
      'auth_agent_requests',
      'Requests that were answered.',
      ['route', 'method', 'status', 'reason'],
      counts.requests,
    ),
    durationFamily(counts.durations),
    counter('auth_agent_database_calls', 'Calls to the database that requests made.', ['route'], counts.databaseCalls),
    counter('auth_agent_events', 'Events that have no row in the database.', ['event'], counts.events),
    counter('auth_agent_alarms', 'What somebody should look at when it gets more.', ['alarm'], counts.alarms),
    counter('auth_agent_job_runs', 'Runs of scheduled jobs.', ['task', 'outcome'], counts.jobRuns),
    counter('auth_agent_job_rows', 'Rows that scheduled jobs dealt with.', ['task', 'kind'], counts.jobRows),
    {
      name: 'auth_agent_start_time_seconds',
      type: 'gauge',
      help: 'When this isolate began to count.',
      unit: 'seconds',
      samples: [sample('auth_agent_start_time_seconds', [], counts.startedAtMs / 1_000)],
    },
  ]
}

function durationFamily(durations: ReadonlyMap<string, Durations>): Family {
  const name = 'auth_agent_request_duration_seconds'
  const samples = [...durations].flatMap(([route, { buckets, sumMs }]) => {
    let below = 0
    const inBuckets = buckets.map((count, place) => {
      below += count
      const bound = boundsMs[place]
      const le = bound === undefined ? '+Inf' : (bound / 1_000).toString()
      return sample(
        `${name}_bucket`,
        [
          ['route', route],
          ['le', le],
        ],
        below,
      )
    })
    const own: Pairs = [['route', route]]
    return [...inBuckets, sample(`${name}_count`, own, below), sample(`${name}_sum`, own, sumMs / 1_000)]
  })
  return { name, type: 'histogram', help: 'From the request to the whole answer.', unit: 'seconds', samples }
}

type Pairs = readonly (readonly [name: string, value: string])[]

function pairs(labels: readonly string[], key: string): Pairs {
  const values = key.split(labelSeparator)
  return labels.map((label, place) => [label, values[place] ?? ''])
}

function sample(name: string, labels: Pairs, value: number): string {
  const inside = labels.map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(',')
  return `${name}${inside === '' ? '' : `{${inside}}`} ${value}\n`
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function renderFamily({ name, type, help, unit, samples }: Family): string {
  const unitLine = unit === undefined ? '' : `# UNIT ${name} ${unit}\n`
  return `# TYPE ${name} ${type}\n${unitLine}# HELP ${name} ${help}\n${samples.join('')}`
}
