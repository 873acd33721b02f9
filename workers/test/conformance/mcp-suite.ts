import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { commandOf } from '../support/package-command.ts'

const { command, script } = commandOf('@modelcontextprotocol/conformance', 'conformance')

export type Scenario = {
  readonly tests: 'server' | 'client' | 'authorization'
  readonly name: string
  /** The revisions of the specification that it applies to, or `extension`. */
  readonly revisions: readonly string[]
}

const headings = { Server: 'server', Client: 'client', Authorization: 'authorization' } as const

/** Everything the suite has, as it lists it itself. */
export async function listScenarios(): Promise<readonly Scenario[]> {
  const { stdout } = spawn(command, [script, 'list'])
  const found: Scenario[] = []
  let tests: Scenario['tests'] | undefined
  for (const line of (await text(stdout)).split('\n')) {
    const [, heading] = /^(Server|Client|Authorization) .*scenarios/.exec(line) ?? []
    if (heading !== undefined) tests = headings[heading as keyof typeof headings]
    const [, name, revisions = ''] = /^ {2}- (\S+) \[(.+)\]$/.exec(line) ?? []
    if (tests !== undefined && name !== undefined) found.push({ tests, name, revisions: revisions.split(',') })
  }
  return found
}

/** One check of a scenario, as the suite writes it down. */
export type Check = {
  readonly scenario: string
  readonly id: string
  readonly name: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly errorMessage?: string
}

async function readChecks(folder: string): Promise<readonly Check[]> {
  const scenarios = (await readdir(folder)).map(async (name) => {
    const checks = JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as Omit<Check, 'scenario'>[]
    const scenario = name.replace(/^(?:authorization-)?server-/, '').replace(/-\d{4}-\d{2}-\d{2}T.*$/, '')
    return checks.map((check) => ({ ...check, scenario }))
  })
  return (await Promise.all(scenarios)).flat()
}

/** Runs the suite, and opens the link that it prints for a person, where it prints one. */
export async function runSuite(
  args: readonly string[],
  openLink: (link: URL) => Promise<unknown> = async () => undefined,
): Promise<readonly Check[]> {
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-suite-'))
  try {
    const suite = spawn(command, [script, ...args, '--output-dir', folder])
    const said: string[] = []
    const visits: Promise<unknown>[] = []
    for await (const line of createInterface(suite.stdout)) {
      said.push(line)
      if (!/^https?:\S+\/authorize\?/.test(line)) continue
      const visit = openLink(new URL(line))
      // Else it would wait for its callback for minutes.
      visit.catch(() => suite.kill())
      visits.push(visit)
    }
    await Promise.all(visits)
    const checks = await readChecks(folder)
    if (checks.length === 0) throw new Error(`the suite checked nothing:\n${said.join('\n')}`)
    return checks
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
