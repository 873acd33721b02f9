// The set-up behind `npm start`, `npm test` and every `npm run`. Runs on Node 20, without packages.
import { join } from 'node:path'
import { check } from './check.mjs'
import { runInForeground, Sentence } from './child.mjs'
import { refuseOptionsKeptByNpm } from './npm-options.mjs'
import { root, setUp } from './setup.mjs'
import { test } from './test.mjs'

const tasks = {
  start: ({ node, env }, args) =>
    runInForeground(node, [join(root, 'supabase/local/scripts/start.ts'), ...args], { env }),
  test,
  check,
  'self-host': selfHost,
  deploy: ({ node, env }, args) => runInForeground(node, [join(root, 'workers/deploy/deploy.ts'), ...args], { env }),
  release: ({ node, env }, args) => runInForeground(node, [join(root, 'release/run.ts'), ...args], { env }),
  // Behind the dashes, or Node takes --env-file for its own and ends where there is no such file.
  ops: ({ node, env }, args) =>
    runInForeground(node, ['--', join(root, 'workers/operations/ops.ts'), ...args], { env }),
  bench: ({ node, env }, args) => runInForeground(node, [join(root, 'workers/bench/run.ts'), ...args], { env }),
  soak: ({ node, env }, args) => runInForeground(node, [join(root, 'workers/soak/run.ts'), ...args], { env }),
}

/** `npm run self-host -- build|migrate|serve-rpc|make-secrets`: the service on one machine without clouds. */
function selfHost({ node, env }, [step, ...args]) {
  const scripts = {
    build: 'workers/self-hosted/build.ts',
    migrate: 'supabase/local/scripts/migrate.ts',
    'serve-rpc': 'supabase/local/scripts/serve-rpc.ts',
    'make-secrets': 'supabase/local/scripts/make-secrets.ts',
  }
  if (['--help', '-h'].includes(step)) {
    console.log(`npm run self-host -- ${Object.keys(scripts).join('|')}: see docs/self-hosting.md`)
    return 0
  }
  if (!Object.hasOwn(scripts, step ?? '')) throw new Sentence(`Say one of: ${Object.keys(scripts).join(', ')}.`)
  return runInForeground(node, [join(root, scripts[step]), ...args], { env })
}

try {
  const [name, ...args] = process.argv.slice(2)
  if (!Object.hasOwn(tasks, name ?? '')) throw new Sentence(`Say one of: ${Object.keys(tasks).join(', ')}.`)
  refuseOptionsKeptByNpm(name, process.env)
  process.exitCode = await tasks[name](await setUp(), args)
} catch (error) {
  console.error(error instanceof Sentence ? `\n${error.message}` : error)
  process.exitCode = 1
}
