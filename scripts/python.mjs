import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runQuietly, Sentence } from './child.mjs'
import { withProgress } from './progress.mjs'
import { root } from './setup.mjs'

const sdkFolder = join(root, 'sdk', 'python')

/** What the tests and checks of the Python SDK need. */
export const pythonSdk = { folder: sdkFolder, requirements: join(sdkFolder, 'requirements-dev.txt') }

const exampleFolder = join(root, 'examples', 'filesystem-server')

/** What the Python example runs in: its lock, and the SDK as it lies here. */
export const pythonExample = {
  folder: exampleFolder,
  requirements: join(exampleFolder, 'requirements.txt'),
  sources: [join(sdkFolder, 'src')],
}

/** Where tests lie that run in the SDK's environment; each folder has its own settings. */
export const pythonFolders = [sdkFolder, exampleFolder]

const oldestPython = [3, 10]
const isWindows = process.platform === 'win32'

const usualNames = isWindows
  ? ['python', 'py']
  : ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']

// Checks and tests want the same one at the same time.
const underWay = new Map()

/**
 * Makes the virtual environment `.venv` of a folder from a lock file with hashes, and again when the lock has changed.
 * `sources` are folders whose modules can be imported from it.
 * @throws {Sentence} where Python or a package cannot be had
 */
export function preparePython(setting, wanted) {
  const made = underWay.get(wanted.folder) ?? prepare(setting, wanted)
  underWay.set(wanted.folder, made)
  return made
}

async function prepare({ env }, { folder, requirements, sources = [] }) {
  const environment = join(folder, '.venv')
  const python = join(environment, ...(isWindows ? ['Scripts', 'python.exe'] : ['bin', 'python']))
  const stampFile = join(environment, '.setup-stamp')
  const stamp = stampOf([environment, process.platform, process.arch, ...sources], readFileSync(requirements))
  // A link to a Python that was removed does not exist either.
  const isMade = () => existsSync(python) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp
  if (isMade()) return python
  const base = await findPython(env)
  await withProgress('making a Python environment', () =>
    alone(base, `${environment}.lock`, env, async () => {
      // Another process may have made it while we waited for it.
      if (isMade()) return
      await fillAnew({ base, python, environment, requirements, sources, env })
      writeFileSync(stampFile, stamp)
    }),
  )
  return python
}

async function fillAnew({ base, python, environment, requirements, sources, env }) {
  await make(base, ['-m', 'venv', '--clear', environment], env, `${base} could not make ${environment}`)
  // Wheels alone: nothing that is installed gets to run code. Without --no-deps pip would ask about packages that
  // the lock leaves out on purpose, for other systems.
  const strict = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '--no-input', '--no-compile', '--quiet']
  const install = ['-m', 'pip', 'install', ...strict, '--disable-pip-version-check', '-r', requirements]
  // A download may break off once; what came whole is in pip's cache by then.
  await make(python, install, env, '').catch(() => make(python, install, env, `pip could not install ${requirements}`))
  await make(python, ['-c', WRITE_SOURCES, ...sources], env, `${environment} could not be written`)
}

// Python locks the file, because Node cannot: the system lets go of it when that process ends, and it ends with us.
const HOLD = `
import sys, time
file = open(sys.argv[1], "a")
if sys.platform == "win32":
    import msvcrt
    while True:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            break
        except OSError:
            time.sleep(0.1)
else:
    import fcntl
    fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()`

/** Works alone among all processes that want the same file. */
async function alone(base, file, env, work) {
  const holder = spawn(base, ['-c', HOLD, file], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise((resolve) => holder.once('error', resolve).once('close', resolve))
  holder.stdin.on('error', () => {})
  // Where there is no lock to be had we go on without: the file may lie where nobody locks anything.
  await Promise.race([ended, new Promise((resolve) => holder.stdout.once('data', resolve))])
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await ended
  }
}

// A .pth file adds its lines to what can be imported; only the environment itself knows where it belongs.
const WRITE_SOURCES = [
  'import pathlib, sys, sysconfig',
  'pathlib.Path(sysconfig.get_path("purelib"), "sources.pth").write_text("\\n".join(sys.argv[1:]))',
].join('\n')

// ensurepip is what venv needs for pip; Debian ships both apart from Python.
const PROBE = 'import sys; print(*sys.version_info[:2]); import ensurepip, venv; print("whole")'

async function findPython(env) {
  const named = env.PYTHON ? [env.PYTHON] : usualNames
  let lacking
  for (const name of named) {
    const { output } = await runQuietly(name, ['-c', PROBE], { env })
    const [, major, minor] = /^(\d+) (\d+)$/m.exec(output) ?? []
    const isNew = Number(major) > oldestPython[0] || (Number(major) === oldestPython[0] && minor >= oldestPython[1])
    if (isNew && /^whole$/m.test(output)) return name
    if (isNew) lacking ??= name
  }
  const wanted = `Python ${oldestPython.join('.')} or newer`
  if (lacking !== undefined) throw new Sentence(`${lacking} has no venv module: install it (python3-venv, on Debian).`)
  throw new Sentence(`${wanted} was not found as ${named.join(', ')}: install it, or name it in the variable PYTHON.`)
}

async function make(command, args, env, complaint) {
  const { code, output } = await runQuietly(command, args, { env })
  if (code === 0) return
  throw new Sentence(`${output.trim().split('\n').slice(-8).join('\n')}\n${complaint} (exit code ${code}).`)
}

function stampOf(texts, lock) {
  return createHash('sha256').update(JSON.stringify(texts)).update(lock).digest('hex')
}
