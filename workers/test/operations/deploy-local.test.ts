import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runIt } from './new-project.ts'
import { openPlace, type Place } from './place.ts'

let place: Place
let data: string
beforeAll(async () => {
  place = await openPlace()
  // What npm start keeps: the Worker's variables, and the secret that signs its keys.
  data = join(place.folder, 'data')
  await mkdir(data)
  await copyFile(place.envFile, join(data, 'worker.env'))
  await writeFile(join(data, 'secrets.json'), JSON.stringify({ JWT_SECRET: place.jwtSecret }))
})
afterAll(() => place?.close())

it('npm run deploy -- local checks what npm start runs, with the bundle, and deploys nothing', async () => {
  const run = await runIt(['local', '--data', data, '--json'], { env: process.env })
  expect(run.findings.filter(({ state }) => state === 'bad')).toEqual([
    expect.objectContaining({ check: 'file of secrets', mend: expect.stringContaining('chmod 600') }),
  ])
  expect(run.findings.map(({ check }) => check)).toEqual([
    ...['configuration', 'addresses', 'file of secrets', 'secrets of its own', 'wrangler.jsonc', 'bundle', 'mail'],
    ...['access of the Worker', 'database', 'schema version', 'functions and grants', 'roles and tables'],
    ...[
      'PostgreSQL',
      'clock of the database',
      'switches',
      'server reachable',
      'server ready',
      'metadata',
      'signing keys',
    ],
    ...['clock of the server', 'answers'],
  ])
})
