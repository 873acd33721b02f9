import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedNotice } from './markdown.ts'

const root = join(import.meta.dirname, '..', '..')

/** The letter of an id names the asset or the place that is attacked. */
const groups: Readonly<Record<string, string>> = {
  A: 'Authorization endpoint and redirects',
  B: 'Consent and sign-in pages',
  C: 'Codes by mail',
  D: 'Dynamic client registration',
  E: 'Client ID metadata documents',
  F: 'Token endpoint',
  G: 'Refresh',
  H: 'Introspection',
  I: 'Revocation and userinfo',
  J: 'Management of servers',
  K: 'Resource indicators and metadata',
  L: 'SDK middleware',
  M: 'Operations',
  N: 'Database',
  O: 'Supply chain and packages',
}

type Proof = { readonly ids: readonly string[]; readonly title: string; readonly file: string }

/** Tests whose name begins with ids: `'F1 F2 refuses …'`. */
function proofsIn(file: string): Proof[] {
  const text = readFileSync(join(root, file), 'utf8')
  const named = text.matchAll(/(['`])((?:[A-O]\d{1,2}[ ,]+)+)((?:(?!\1)[^\n\\]|\\.)+)\1/g)
  return [...named].map(([, , ids = '', title = '']) => ({ ids: ids.match(/[A-O]\d+/g) ?? [], title, file }))
}

/** Functions whose name begins with ids: `test_l15_l16_without_a_token`, in a class whose name is the subject. */
function pythonProofsIn(file: string): Proof[] {
  const text = readFileSync(join(root, file), 'utf8')
  const named = text.matchAll(/^class Test(\w+)|^( *)(?:async )?def test_((?:[a-o]\d{1,2}_)+)(\w+)/gm)
  let subject = ''
  return [...named].flatMap(([, className, indent, ids = '', title = '']) => {
    if (className !== undefined) {
      subject = className.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
      return []
    }
    const words = `${indent === '' ? '' : `${subject} `}${title.replaceAll('_', ' ')}`
    return [{ ids: ids.toUpperCase().match(/[A-O]\d+/g) ?? [], title: words, file }]
  })
}

/** The cases that both SDKs run have their names in JSON. */
function casesIn(file: string): Proof[] {
  const text = readFileSync(join(root, file), 'utf8')
  const named = text.matchAll(/"name": "((?:[A-O]\d{1,2} )+)((?:[^"\\]|\\.)+)"/g)
  return [...named].map(([, ids = '', title = '']) => ({ ids: ids.match(/[A-O]\d+/g) ?? [], title, file }))
}

function allProofs(): Proof[] {
  const files = globSync(
    [
      'workers/{src,test}/**/*.test.{ts,tsx}',
      'supabase/tests/*.test.ts',
      '{docs,release}/test/*.test.ts',
      '{sdk,examples}/*/test/**/*.test.ts',
    ],
    { cwd: root, exclude: (name: string) => name.includes('node_modules') },
  )
  const inPython = globSync('{sdk,examples}/*/test/**/*_test.py', { cwd: root })
  const cases = globSync('sdk/contract/*.json', { cwd: root })
  return [
    ...files.sort().flatMap(proofsIn),
    ...inPython.sort().flatMap(pythonProofsIn),
    ...cases.sort().flatMap(casesIn),
  ]
}

function section(letter: string, proofs: readonly Proof[]): string {
  const ids = new Set(proofs.flatMap((proof) => proof.ids).filter((id) => id.startsWith(letter)))
  const sorted = [...ids].sort((one, other) => Number(one.slice(1)) - Number(other.slice(1)))
  const lines = sorted.map((id) => {
    const titles = proofs.filter((proof) => proof.ids.includes(id))
    const unique = new Map(titles.map(({ title, file }) => [title, file]))
    const items = [...unique].map(
      ([title, file]) => `  - ${title.replaceAll(/[<>`|*_]/g, '\\$&')} ([test](../${file}))`,
    )
    return `- **${id}**\n${items.join('\n')}`
  })
  return `## ${letter}. ${groups[letter]}\n\n${lines.join('\n')}`
}

export function threatsPage(): string {
  const proofs = allProofs()
  const letters = Object.keys(groups).filter((letter) =>
    proofs.some(({ ids }) => ids.some((id) => id.startsWith(letter))),
  )
  return `# Threats

${generatedNotice('the names of the tests')}

Each id stands for one attack; the tests below carry it in their names and prove the behaviour that stops it. What was
decided, and why, is in the [security model](security-model.md). An id that is missing here is not proven by a test of its own.

${letters.map((letter) => section(letter, proofs)).join('\n\n')}
`
}
