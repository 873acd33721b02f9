// The set-up behind `npm start`, `npm test`, `npm run check` and `npm run bench`. Runs on Node 20, without packages.
import { join } from 'node:path'
import { check } from './check.mjs'
import { runInForeground, Sentence } from './child.mjs'
import { root, setUp } from './setup.mjs'
import { test } from './test.mjs'

const tasks = {
  start: ({ node, env }, args) =>
    runInForeground(node, [join(root, 'supabase/local/scripts/start.ts'), ...args], { env }),
  test,
  check,
  bench: ({ node, env }, args) => runInForeground(node, [join(root, 'workers/bench/run.ts'), ...args], { env }),
}

try {
  const [name, ...args] = process.argv.slice(2)
  if (!Object.hasOwn(tasks, name ?? '')) throw new Sentence(`Say one of: ${Object.keys(tasks).join(', ')}.`)
  process.exitCode = await tasks[name](await setUp(), args)
} catch (error) {
  console.error(error instanceof Sentence ? `\n${error.message}` : error)
  process.exitCode = 1
}
