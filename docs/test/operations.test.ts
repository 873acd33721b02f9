import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runDeploy } from '../../workers/deploy/run-deploy.ts'
import { configurationProblems } from '../../workers/operations/check-configuration.ts'
import { runCommandLine } from '../../workers/operations/command-line.ts'
import { openPlace, type Place, runProgram } from '../../workers/test/operations/place.ts'
import { readBlocks } from './blocks.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
  await makePeople()
})
afterAll(() => place?.close())

/** Whom the pages talk about. */
async function makePeople(): Promise<void> {
  await place.database.query(
    `insert into mcp_data.accounts (email, email_verified_at) values ('ada@mail.example', now()), ('bob@mail.example', now())`,
  )
  await place.database.query(
    `insert into mcp_data.passkeys (passkey_id, account_id, credential_id, public_key, sign_count, is_backup_eligible, is_backed_up, name)
     select 'pky_0123456789ab', account_id, 'a-credential-id-of-bob', '\\x01', 0, false, false, 'Laptop' from mcp_data.accounts
     where email = 'bob@mail.example'`,
  )
  await place.database.query(
    `insert into mcp_data.servers (server_id, server_url, server_name, scopes, scope_names, status, verified_at, proof_method)
     values ('srv_0123456789abcdefghijkl', 'https://files.example/mcp', 'Files', '[]', '{}', 'verified', now(), 'document')`,
  )
}

/** The words of a command as a shell splits them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain)
}

function linesIn(page: string, program: RegExp): string[] {
  return readBlocks(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.trim().split('\n'))
    .filter((line) => program.test(line))
}

const ops = /^npm run (?:--silent )?ops -- /
const lines = ['docs/operating.md', 'docs/deploy.md'].flatMap((page) =>
  linesIn(page, ops).map((line) => [page, line.replace(ops, '')] as const),
)

/** Runs it where the page says production, and gives what it printed. */
async function run(line: string): Promise<{ code: number; text: string }> {
  let text = ''
  const write = async (piece: string) => {
    text += piece
  }
  const args = wordsOf(line).map((word) => (word === 'production.env' ? place.envFile : word))
  const env = { DATABASE_URL: place.databaseUrl }
  return { code: await runCommandLine(args, { env, write, writeError: write }), text }
}

describe('operating', () => {
  test('has every command in it', async () => {
    const { text } = await run('--help')
    const names = [...text.matchAll(/^ {2}([a-z][a-z-]*(?: [a-z-]+)?)(?= {2}| <)/gm)].map(([, name = '']) => name)
    const page = await readFile(new URL('../operating.md', import.meta.url), 'utf8')
    expect(names.filter((name) => !page.includes(name))).toEqual([])
  })

  test.each(lines)('%s: npm run ops -- %s', async (_, line) => {
    const { code, text } = await run(line)
    expect([code, text]).toEqual([0, expect.not.stringContaining('✗')])
  })
})

describe('deploying', () => {
  test('the file that the page makes is a whole configuration, with nothing left to guess', async () => {
    const made = await runProgram('supabase/local/scripts/make-secrets.ts', [], { JWT_SECRET: 'x'.repeat(40) })
    const [block] = readBlocks('docs/deploy.md').filter(({ language }) => language === 'ini')
    const variables = parseEnv(`${made.stdout}\n${block?.text}`)
    expect(configurationProblems(variables)).toEqual([])
    expect(variables.JWT_SECRET).toBe('x'.repeat(40))
    expect(Object.keys(variables)).toEqual(
      expect.arrayContaining(['DATABASE_URL', 'CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN']),
    )
  })

  test.each(linesIn('docs/deploy.md', /^npm run deploy -- local/))('%s', async (line) => {
    const data = join(place.folder, 'data')
    await mkdir(data)
    await writeFile(join(data, 'worker.env'), await readFile(place.envFile), { mode: 0o600 })
    await writeFile(join(data, 'secrets.json'), JSON.stringify({ JWT_SECRET: place.jwtSecret }))
    let text = ''
    const write = async (piece: string) => {
      text += piece
    }
    const args = [...line.split(' ').slice(4), '--data', data]
    const code = await runDeploy(args, { env: process.env, write, writeError: write })
    expect([text.match(/^✗.*$/gm), code]).toEqual([null, 0])
  })
})
