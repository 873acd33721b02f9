import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen, readBody } from 'auth-agent-mcp-local/src/http.ts'
import type { Decision, Person, Visit } from './person.ts'

/** What a program of others finds on a person's machine: a home folder, and a default browser with that person before it. */
export type Desktop = {
  /** The home folder, empty at first; programs keep their settings and tokens below it. */
  readonly home: string
  /** The environment of a program that this person starts. */
  readonly env: Readonly<Record<string, string>>
  /** The links that programs opened, each with how the person dealt with it, newest last. */
  readonly visits: readonly Visit[]
  /** What the person decides the next time. */
  decide: (decision: Decision) => void
  /** Does this and waits until the person has finished with the links that were opened; fails at once where they get stuck. */
  readonly during: <Result>(work: Promise<Result>) => Promise<Result>
  readonly close: () => Promise<void>
}

const linkLimitBytes = 20_000

/** `xdg-open` and macOS's `open` run this in place of a browser; it hands the link on. */
const opener = (node: string, url: string) => `#!/bin/sh
exec '${node}' -e 'fetch(process.argv[1], { method: "POST", body: process.argv[2] })' '${url}' "$1"
`

/** Lays the browser where programs look for one: in BROWSER, and under the names of the usual launchers. */
async function installBrowser(home: string, url: string): Promise<Record<string, string>> {
  for (const name of ['xdg-open', 'open']) {
    await writeFile(join(home, name), opener(process.execPath, url), { mode: 0o755 })
  }
  const PATH = `${home}:${process.env.PATH}`
  return { PATH, HOME: home, BROWSER: join(home, 'xdg-open') }
}

export async function openDesktop(person: Person): Promise<Desktop> {
  const home = await mkdtemp(join(tmpdir(), 'auth-agent-desktop-'))
  const visits: Visit[] = []
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  let decision: Decision = { decision: 'approve' }
  const underway: Promise<unknown>[] = []
  const visit = async (link: string) => visits.push(await person.authorize(new URL(link), decision))
  const browser = await listen(
    async (request, response) => {
      const link = (await readBody(request, linkLimitBytes)) ?? ''
      // A launcher returns at once; the browser goes on.
      response.end()
      underway.push(visit(link).catch(lost.reject))
    },
    0,
    'the default browser of a desktop',
  )
  return {
    home,
    env: await installBrowser(home, browser.url),
    visits,
    decide: (next) => {
      decision = next
    },
    during: async (work) => {
      try {
        return await Promise.race([work, lost.promise])
      } finally {
        await Promise.all(underway)
      }
    },
    close: async () => {
      await person.leave()
      await browser.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}
