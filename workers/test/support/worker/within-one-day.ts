const today = (): string => new Date().toISOString().slice(0, 10)

/** Runs it within one day (UTC), which it is told: once more where midnight came in between. */
export async function withinOneDay<Result>(run: (day: string) => Promise<Result>): Promise<Result> {
  const day = today()
  const result = await run(day)
  return today() === day ? result : run(today())
}
