import type { Parameters } from '../protocol/parameters.ts'

const daySeconds = 86_400
/** As many as a catalogue may have, and the empty rows of the form. */
const scopeRows = 70

/** A number of days as seconds; undefined when none was typed. What is no number is judged by the schema. */
export function secondsOf(days: string | undefined): number | undefined {
  return days === undefined ? undefined : Number(days) * daySeconds
}

/** The rows of the scope form that have a name, in their order. */
export function scopesOf(fields: Parameters) {
  return Array.from({ length: scopeRows }, (_, row) => ({
    name: fields.get(`name_${row}`) ?? '',
    description: fields.get(`description_${row}`) ?? '',
    required: fields.get(`required_${row}`) === 'yes',
    default: fields.get(`default_${row}`) === 'yes',
  })).filter(({ name }) => name !== '')
}
