import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { preparePython } from '../../../scripts/python.mjs'

export type MetricFamily = {
  readonly name: string
  readonly type: string
  readonly unit: string
  readonly samples: readonly {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

const folder = join(import.meta.dirname, '../../monitoring')

/**
 * Reads OpenMetrics text with a parser that is not ours.
 * @throws Error with the parser's own words where the text breaks the format
 */
export async function readMetrics(text: string): Promise<readonly MetricFamily[]> {
  const python = await preparePython({ env: process.env }, { folder, requirements: join(folder, 'requirements.txt') })
  const child = spawn(python, [join(folder, 'read-metrics.py')])
  let [output, complaint] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint += chunk
  })
  child.stdin.end(text)
  const status = await new Promise((resolve) => child.once('close', resolve))
  if (status !== 0) throw new Error(complaint)
  return JSON.parse(output) as MetricFamily[]
}
