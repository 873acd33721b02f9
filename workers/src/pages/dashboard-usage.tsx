import { Section, type ServerFrame, ServerLayout, type Text } from './dashboard-parts.tsx'
import { fillText } from './fill.tsx'
import { Name } from './form.tsx'

type UsageRow = {
  readonly day: string
  readonly client_id?: string | undefined
  readonly client_name?: string | undefined
  readonly connected: number
  readonly used: number
  readonly refreshed: number
  readonly active_minutes: number
}

export type UsageView = ServerFrame & { readonly days: readonly UsageRow[]; readonly from: string }

const dayMs = 86_400_000
const chartDays = 30
const [barWidth, chartHeight] = [20, 96]

/** The rows of one client, under the name it has. */
type Use = { readonly name: string | undefined; readonly rows: readonly UsageRow[] }

/** By client, the most used first. */
function usesOf(days: readonly UsageRow[]): readonly Use[] {
  const byClient = Map.groupBy(days, ({ client_id, client_name }) => client_id ?? client_name ?? '')
  const uses = [...byClient.values()].map((rows) => ({ name: rows[0]?.client_name, rows }))
  return uses.sort((one, other) => sum(other.rows, 'used') - sum(one.rows, 'used'))
}

function sum(rows: readonly UsageRow[], what: 'connected' | 'used' | 'refreshed' | 'active_minutes'): number {
  return rows.reduce((total, row) => total + row[what], 0)
}

/** One sum a day, days without use as well. */
function daily(rows: readonly UsageRow[], from: string): readonly { readonly day: string; readonly used: number }[] {
  const first = Date.parse(`${from}T00:00:00Z`)
  const byDay = Map.groupBy(rows, ({ day }) => day)
  return Array.from({ length: chartDays }, (_, index) => {
    const day = new Date(first + index * dayMs).toISOString().slice(0, 10)
    return { day, used: sum(byDay.get(day) ?? [], 'used') }
  })
}

type ChartProps = { readonly rows: readonly UsageRow[]; readonly from: string; readonly text: Text }

/** A bar a day, drawn here: no script, no style attribute, and its sentence for whoever cannot see it. */
const Chart = ({ rows, from, text }: ChartProps) => {
  const days = daily(rows, from)
  const most = Math.max(...days.map(({ used }) => used))
  const sentence = fillText(text.chart, { total: `${sum(rows, 'used')}`, most: `${most}` })
  const width = barWidth * chartDays
  return (
    <svg class="chart" viewBox={`0 0 ${width} ${chartHeight + 1}`} role="img" aria-label={sentence}>
      <line x1="0" x2={`${width}`} y1={`${chartHeight}`} y2={`${chartHeight}`} />
      {days.map(({ day, used }, index) => {
        const height = Math.round((used / Math.max(1, most)) * (chartHeight - 4))
        return (
          <rect
            x={`${index * barWidth + 2}`}
            y={`${chartHeight - height}`}
            width={`${barWidth - 4}`}
            height={`${height}`}
          >
            <title>{`${day}: ${used}`}</title>
          </rect>
        )
      })}
    </svg>
  )
}

const Sums = ({ rows, text }: Omit<ChartProps, 'from'>) => (
  <p class="hint">
    {fillText(text.usage_sums, {
      used: `${sum(rows, 'used')}`,
      connected: `${sum(rows, 'connected')}`,
      refreshed: `${sum(rows, 'refreshed')}`,
      minutes: `${sum(rows, 'active_minutes')}`,
    })}
  </p>
)

/** "27 Nov": the year is the one before this day at most. */
function dayText(day: string, language: string): string {
  const format = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', timeZone: 'UTC' })
  return format.format(Date.parse(`${day}T00:00:00Z`))
}

type DaysProps = { readonly rows: readonly UsageRow[]; readonly name: string; readonly view: UsageView }

/** The numbers behind a chart. Where they are wider than the window they scroll, also by keyboard. */
const Days = ({ rows, name, view: { frame } }: DaysProps) => {
  const { dashboard: text, language } = frame.messages
  return (
    <details class="calm">
      <summary>{text.usage_days}</summary>
      <section class="scroll" aria-label={`${text.usage_days}: ${name}`} tabindex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.day}</th>
              {[text.used, text.connected, text.refreshed, text.minutes].map((column) => (
                <th scope="col" class="number">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <th scope="row">
                  <time datetime={row.day}>{dayText(row.day, language)}</time>
                </th>
                {[row.used, row.connected, row.refreshed, row.active_minutes].map((count) => (
                  <td class="number">{count}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  )
}

const Client = ({ use, view, text }: { use: Use; view: UsageView; text: Text }) => {
  const name = use.name ?? text.usage_unknown
  return (
    <li class="event">
      <h3>
        <Name>{name}</Name>
      </h3>
      <Sums rows={use.rows} text={text} />
      <Chart rows={use.rows} from={view.from} text={text} />
      <Days rows={use.rows} name={name} view={view} />
    </li>
  )
}

export const UsagePage = (view: UsageView) => {
  const text = view.frame.messages.dashboard
  if (view.days.length === 0) {
    return (
      <ServerLayout view={view} here="usage">
        <p class="empty">{text.no_usage}</p>
      </ServerLayout>
    )
  }
  return (
    <ServerLayout view={view} here="usage">
      <section>
        <h2>{text.usage_all}</h2>
        <p class="hint">{text.usage_lead}</p>
        <Chart rows={view.days} from={view.from} text={text} />
      </section>
      <Section title={text.usage_clients}>
        <ul class="events">
          {usesOf(view.days).map((use) => (
            <Client use={use} view={view} text={text} />
          ))}
        </ul>
      </Section>
    </ServerLayout>
  )
}
