import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')

/** `npm …` as a person types it in the checkout; both streams together. */
function npm(...args: string[]): Promise<{ code: number; printed: string }> {
  return new Promise((resolve) => {
    execFile('npm', args, { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), printed: `${stdout}${stderr}` })
    })
  })
}

describe('options without the two dashes', () => {
  it('does nothing where npm kept --dry-run for itself, and says where options go', async () => {
    for (const [args, command] of [
      [['run', 'deploy', 'production', '--dry-run'], 'npm run deploy -- --dry-run'],
      [['run', 'ops', 'epoch', 'raise', '--dry-run'], 'npm run ops -- --dry-run'],
      [['start', '--no-example', '--reset'], 'npm start -- --no-example'],
    ] as const) {
      const { code, printed } = await npm(...args)
      expect([code, printed]).toEqual([1, expect.stringContaining(`Options go behind two dashes: ${command}`)])
    }
  })

  it('gives --env-file to the command, and not to Node', async () => {
    const { code, printed } = await npm('run', 'ops', '--', 'doctor', '--env-file', 'nowhere.env')
    expect([code, printed]).toEqual([1, expect.stringContaining(`${join(root, 'nowhere.env')} cannot be read.`)])
  })

  it('takes those behind the dashes', async () => {
    const { code, printed } = await npm('run', 'deploy', '--', '--help', '--dry-run')
    expect([code, printed]).toEqual([0, expect.stringContaining('npm run deploy -- <local|staging|production>')])
  })
})
