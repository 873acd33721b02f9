import { runInForeground } from './child.mjs'
import { root } from './setup.mjs'

export function test({ env }, args) {
  return runInForeground('vitest', ['run', ...args], { cwd: root, env })
}
