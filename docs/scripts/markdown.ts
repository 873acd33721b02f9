/** A Markdown table; bars in a cell are escaped. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => '---'), ...rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))]
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

/** What stands at the top of a page that nobody edits. */
export function generatedNotice(source: string): string {
  return `<!-- Made from ${source} by docs/scripts/generate-pages.ts: edit that, then run \`node docs/scripts/generate-pages.ts\`. -->`
}
