/** A moment as a page shows it; the page is made at `nowSeconds` in one language. */
export type Clock = { readonly nowSeconds: number; readonly language: string }

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** Above these a date says more than a number of days. */
const relativeDays = 30

function relative(seconds: number, { nowSeconds, language }: Clock): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const away = seconds - nowSeconds
  const distance = Math.abs(away)
  if (distance < minute) return format.format(0, 'second')
  if (distance < hour) return format.format(Math.trunc(away / minute), 'minute')
  if (distance < day) return format.format(Math.trunc(away / hour), 'hour')
  return format.format(Math.trunc(away / day), 'day')
}

/** In UTC: a page without a script does not know where its reader is. */
export function exactMoment(seconds: number, language: string): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
  return `${format.format(new Date(seconds * 1000))} UTC`
}

/** "3 days", or "90 minutes": the largest unit of which there are whole ones. */
export function spanText(seconds: number, language: string): string {
  const units = [
    ['day', day],
    ['hour', hour],
    ['minute', minute],
    ['second', 1],
  ] as const
  const [unit, size] = units.find(([, length]) => seconds % length === 0) ?? ['second', 1]
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size)
}

function momentText(seconds: number, clock: Clock): string {
  if (Math.abs(seconds - clock.nowSeconds) < relativeDays * day) return relative(seconds, clock)
  return new Intl.DateTimeFormat(clock.language, { dateStyle: 'medium', timeZone: 'UTC' }).format(
    new Date(seconds * 1000),
  )
}

/** "3 hours ago", with the exact moment for whoever asks. */
export const Moment = ({ seconds, clock }: { seconds: number; clock: Clock }) => (
  <time datetime={new Date(seconds * 1000).toISOString()} title={exactMoment(seconds, clock.language)}>
    {momentText(seconds, clock)}
  </time>
)
