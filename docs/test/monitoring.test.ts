import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { alarms } from '../../workers/src/http/alarms.ts'
import { jobNames } from '../../workers/src/http/log.ts'
import { countLine, createCounts } from '../../workers/src/http/metrics.ts'
import { renderOpenMetrics } from '../../workers/src/http/open-metrics.ts'
import { readPage, root } from './blocks.ts'

const read = (name: string): string => readFileSync(join(root, 'workers/monitoring', name), 'utf8')

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}
type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[]
}

const rules = (parse(read('alert-rules.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
)
const dashboard = JSON.parse(read('grafana-dashboard.json')) as {
  panels: Panel[]
  templating: { list: { name: string }[] }
}
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? [])
const page = readPage('docs/monitoring.md')

/** Every metric with its labels, as the server writes it after one line of each kind. */
function writtenMetrics(): Map<string, Set<string>> {
  const counts = createCounts(0)
  const request = { level: 'info', request_id: 'req_x', method: 'GET', route: '/ready', status: 200, ms: 1 } as const
  countLine(counts, { ...request, reason: 'code_replayed', event: 'client.registered', database_calls: 1 })
  countLine(counts, { level: 'info', job: 'clean_up', ms: 1, database_calls: 1, rows: { sessions: 1 } })
  const metrics = new Map<string, Set<string>>([['up', new Set(['job'])]])
  for (const [, name = '', labels = ''] of renderOpenMetrics(counts).matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)
    metrics.set(name, new Set([...(metrics.get(name) ?? []), ...names, 'job', 'instance']))
  }
  return metrics
}
const metrics = writtenMetrics()

type Asked = { readonly metric: string; readonly label: string; readonly value: string }

/** What an expression asks for; its dashboard variables are a span of time. */
function askedIn(expr: string): { readonly faults: number; readonly metrics: string[]; readonly matchers: Asked[] } {
  const text = expr.replaceAll('$__rate_interval', '5m')
  const asked = { faults: 0, metrics: [] as string[], matchers: [] as Asked[] }
  let metric = ''
  let label = ''
  parser.parse(text).iterate({
    enter: (node) => {
      const part = text.slice(node.from, node.to)
      if (node.type.isError) asked.faults += 1
      if (node.name === 'Identifier') {
        metric = part
        asked.metrics.push(part)
      }
      if (node.name === 'LabelName' && node.node.parent?.name.endsWith('LabelMatcher') === true) label = part
      if (node.name === 'StringLiteral' && node.node.parent?.name.endsWith('LabelMatcher') === true) {
        asked.matchers.push({ metric, label, value: part.slice(1, -1) })
      }
    },
  })
  return asked
}

const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...targets.map(({ expr }) => [expr, expr] as const),
]

describe('what is asked of the metrics', () => {
  test.each(expressions)('%s is PromQL and asks for what is written', (_name, expr) => {
    const asked = askedIn(expr)
    expect([asked.faults, asked.metrics.length > 0]).toEqual([0, true])
    expect(asked.metrics.filter((name) => !metrics.has(name))).toEqual([])
    expect(asked.matchers.filter(({ metric, label }) => !metrics.get(metric)?.has(label))).toEqual([])
    const named = asked.matchers.filter(({ label }) => label === 'alarm').flatMap(({ value }) => value.split('|'))
    expect(named.filter((name) => !alarms.some((alarm) => alarm === name))).toEqual([])
    const tasks = asked.matchers.filter(({ label }) => label === 'task').map(({ value }) => value)
    expect(tasks.filter((name) => !jobNames.some((job) => job === name))).toEqual([])
  })

  test('a metric, a label or an alarm that is not written is found out, and so is what is no PromQL', () => {
    expect(askedIn('rate(auth_agent_requests_total[5m]').faults).toBeGreaterThan(0)
    const { matchers } = askedIn('auth_agent_alarms_total{alarm="code_replayed", kind=~"a|b"} > 0')
    expect(matchers.map(({ label, value }) => [label, value])).toEqual([
      ['alarm', 'code_replayed'],
      ['kind', 'a|b'],
    ])
  })
})

describe('alerts', () => {
  test('there is one for everything that somebody should look at', () => {
    const watched = rules.flatMap(({ expr }) => askedIn(expr).matchers.map(({ value }) => value))
    expect(alarms.filter((alarm) => !watched.includes(alarm))).toEqual([])
  })

  test('each has a section that says what it means and what to do, and no section is without one', () => {
    const sections = [...page.matchAll(/^### (AuthAgent\w+)\n\n(.+)/gm)]
    expect(sections.map(([, name]) => name).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
    expect(
      rules.filter(({ alert, annotations }) => annotations.runbook !== `docs/monitoring.md#${alert.toLowerCase()}`),
    ).toEqual([])
    expect(rules.filter(({ labels }) => !['warning', 'critical'].includes(labels.severity))).toEqual([])
  })

  test('every metric is on the page', () => {
    const named = [...metrics.keys()].filter((name) => name !== 'up' && !/_(?:bucket|count|sum)$/.test(name))
    expect(named.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })
})

describe('the dashboard', () => {
  test('has panels of its own places and ids, each with a title, and each alarm on one of them', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(panels.filter(({ title }) => title === '')).toEqual([])
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    const shown = targets.flatMap(({ expr }) => askedIn(expr).matchers).flatMap(({ value }) => value.split('|'))
    expect(alarms.filter((alarm) => !shown.includes(alarm))).toEqual([])
  })

  test('takes its Prometheus from the one variable it has, and its legends from labels that are there', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource'])
    const sources = read('grafana-dashboard.json').match(/(?<="datasource": \{[^}]*"uid": )"[^"]*"/g)
    expect(new Set(sources)).toEqual(new Set([JSON.stringify(`$\{datasource}`)]))
    for (const { expr, legendFormat } of targets) {
      const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
      const known = askedIn(expr).metrics.flatMap((name) => [...(metrics.get(name) ?? [])])
      expect([expr, labels.filter((label) => !known.includes(label))]).toEqual([expr, []])
    }
  })
})

test('M2 the platform’s own lines and traces hold no query string (SECURITY §29)', () => {
  const settings = readFileSync(join(root, 'workers/wrangler.jsonc'), 'utf8')
  expect(settings).toMatch(/"redact_query_string": true/)
  expect(settings).toMatch(/"logs": \{[^}]*"invocation_logs": false/)
})
