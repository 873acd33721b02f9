export type Level = 'MUST' | 'SHOULD' | 'MAY'

/** One thing a text asks of us. With `gap`, it is known not to be met, and why. */
export type Requirement = {
  readonly id: string
  readonly source: string
  readonly level: Level
  readonly text: string
  readonly gap?: string
}

/** The requirements of one text; the id begins with the text's name, so that a reader finds it by either. */
export function of(prefix: string, source: string) {
  const entry =
    (level: Level) =>
    (name: string, section: string, text: string, gap?: string): Requirement => ({
      id: `${prefix}-${name}`,
      source: `${source} ${section}`.trim(),
      level,
      text,
      ...(gap === undefined ? {} : { gap }),
    })
  return { must: entry('MUST'), should: entry('SHOULD'), may: entry('MAY') }
}
