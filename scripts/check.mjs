import { runInForeground } from './child.mjs'
import { root } from './setup.mjs'

export function check({ env }, args) {
  return runInForeground('biome', ['ci', '--colors=off', ...args], { cwd: root, env })
}
