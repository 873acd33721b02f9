import { Sentence } from './child.mjs'

// Of those that npm has itself, only the one whose loss does harm: `json` and `yes` may stand in anybody's .npmrc.
const ours = ['dry-run', 'port', 'mailbox-port', 'example-port', 'example', 'loopback-documents', 'data', 'reset']
const operators = ['file', 'env-file', 'as', 'reason', 'issuer']
const measuring = ['full', 'write', 'sdk', 'scale', 'minutes', 'per-second']

/**
 * npm keeps options that stand before the two dashes, tells the program nothing but variables `npm_config_…`, and says
 * nothing at all of `--dry-run`: what should only have been tried would be done.
 * @throws Sentence where it kept one of ours
 */
export function refuseOptionsKeptByNpm(name, env) {
  const kept = [...ours, ...operators, ...measuring].filter((option) => variableOf(option) in env)
  if (kept.length === 0) return
  const spelt = kept.map((option) => (env[variableOf(option)] === '' ? `--no-${option}` : `--${option}`))
  const command = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`
  throw new Sentence(
    `npm kept ${spelt.join(', ')} for itself, so nothing was done. Options go behind two dashes: ${command} -- ${spelt[0]}`,
  )
}

const variableOf = (option) => `npm_config_${option.replaceAll('-', '_')}`
