import type { Child } from 'hono/jsx'

/** Puts values or markup into the `{places}` of a message; text stays text and is escaped by the renderer. */
export function fill(template: string, values: Readonly<Record<string, Child>>): Child[] {
  return template.split(/\{(\w+)\}/).map((part, index) => (index % 2 === 0 ? part : (values[part] ?? '')))
}

/** The same for plain text: titles and mail. */
export function fillText(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_place, name: string) => values[name] ?? '')
}
