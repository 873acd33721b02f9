import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { runQuietly, Sentence } from './child.mjs'
import { withProgress } from './progress.mjs'

export const root = dirname(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname))

export const pnpm = 'pnpm@12.21.0'
// The first one that runs TypeScript as it is; wrangler wants 22 as well.
const oldestNode = [22, 18]

/** Installs what is missing, chooses a Node that is new enough, builds the SDK; gives that Node and an environment. */
export async function setUp() {
  await install()
  const node = chooseNode()
  const bin = join(root, 'node_modules', '.bin')
  const env = { ...process.env, PATH: [dirname(node), bin, process.env.PATH].join(delimiter) }
  await buildSdk(env)
  return { node, env }
}

async function install() {
  const stampFile = join(root, 'node_modules', '.setup-stamp')
  const stamp = stampOfWhatIsWanted()
  if (readIfThere(stampFile) === stamp) return
  const { code, output } = await withProgress('installing packages', () =>
    // --yes: a person's own npm settings may say no to every question.
    runQuietly('npx', ['--yes', pnpm, 'install', '--frozen-lockfile'], {
      cwd: root,
      shell: process.platform === 'win32',
    }),
  )
  if (code !== 0) {
    console.error(output)
    throw new Sentence(
      `Installing the packages failed (npx ${pnpm} install, exit code ${code}): see its messages above.`,
    )
  }
  writeFileSync(stampFile, stamp)
}

function stampOfWhatIsWanted() {
  const examples = readdirSync(join(root, 'examples')).map((name) => join('examples', name))
  const folders = ['.', 'workers', 'sdk/typescript', 'supabase/local', ...examples]
  const manifests = folders.map((folder) => join(root, folder, 'package.json')).filter((file) => existsSync(file))
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => join(root, name))
  return digestOf([...files, ...manifests], `${process.platform} ${process.arch} ${pnpm}`)
}

function chooseNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return process.execPath
  const fetched = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(fetched)) return fetched
  throw new Sentence(
    `Node ${process.versions.node} is too old and none can be fetched for ${process.platform}-${process.arch}: install Node ${oldestNode.join('.')} or newer.`,
  )
}

// The example and its tests import the SDK as its users do: compiled. Not compiled again without need, because
// somebody may be reading it.
async function buildSdk(env) {
  const sdk = join(root, 'sdk', 'typescript')
  const stampFile = join(root, 'node_modules', '.sdk-stamp')
  const stamp = digestOf([join(sdk, 'tsconfig.build.json'), ...filesIn(join(sdk, 'src'))])
  if (existsSync(join(sdk, 'dist', 'index.js')) && readIfThere(stampFile) === stamp) return
  const { code, output } = await withProgress('building the SDK', () =>
    runQuietly('tsc', ['-p', join(sdk, 'tsconfig.build.json')], { cwd: root, env }),
  )
  if (code !== 0) {
    console.error(output)
    throw new Sentence('The SDK does not compile: see the messages above.')
  }
  writeFileSync(stampFile, stamp)
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

function digestOf(files, text = '') {
  const hash = createHash('sha256').update(text)
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
