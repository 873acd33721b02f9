import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createAppForClients } from '../../workers/src/app-for-clients.ts'
import { createAppForPeople } from '../../workers/src/app-for-people.ts'
import type { Dependencies } from '../../workers/src/dependencies.ts'
import { root } from './blocks.ts'

/** `GET /api/servers/:id`, whatever the parameter is called in the code. */
function normalise(method: string, path: string): string {
  return `${method} ${path.replaceAll(/:\w+(\{[^}]*\})?/g, ':')}`
}

function routesOfTheApp(): string[] {
  // Only the table of routes is read; no handler runs, so nothing is asked of the dependencies.
  const nobody = {} as Dependencies
  const all = [createAppForClients(nobody), createAppForPeople(nobody)].flatMap(({ routes }) => routes)
  const methods = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE']
  const routes = all.filter(({ method }) => methods.includes(method))
  return [...new Set(routes.map(({ method, path }) => normalise(method, path)))].sort()
}

function routesOfTheReadme(): string[] {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const table = text.slice(text.indexOf('## Endpoints'), text.indexOf('## How it works'))
  const rows = table.split('\n').filter((line) => line.startsWith('| `'))
  const named = rows.flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([A-Z]+) ([^`]+)`/g)])
  return [...new Set(named.map(([, method = '', path = '']) => normalise(method, path)))].sort()
}

test('the README lists every endpoint of the app, and no other', () => {
  expect(routesOfTheReadme()).toEqual(routesOfTheApp())
})
