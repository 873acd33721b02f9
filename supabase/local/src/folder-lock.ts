import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, realpath, rm } from 'node:fs/promises'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type FolderLock = { release: () => Promise<void> }

/** Another process holds the folder. The message is one sentence for a person. */
export class FolderInUse extends Error {
  constructor(folder: string, pid: string) {
    super(`${folder} is in use by another running instance (process ${pid}): stop that one, or choose another folder.`)
  }
}

type State = 'starting' | 'holding'
type Own = { name: string; state: State; server: Server; watchers: Set<Socket> }

// A Unix socket's address is at most 107 bytes on Linux and 103 on macOS.
const longestSocketPathBytes = 100

/**
 * Takes a folder for this process until release or death, however the process dies.
 *
 * Everybody who wants the folder listens on a socket with a name of its own and only then looks for others, so of
 * two at least one sees the other. A socket answers only while its process lives: no pid is compared, so a repeated
 * pid (containers) can't fool it, and removing a dead socket can't hit a live one because names are never reused.
 * @throws FolderInUse
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const sockets = await socketFolder(folder)
  const own = await listen(sockets)
  try {
    for (const name of await readdir(sockets)) {
      if (name !== own.name && name.endsWith('.sock')) await giveWayTo(join(sockets, name), name < own.name, folder)
    }
  } catch (error) {
    await release(sockets, own)
    throw error
  }
  own.state = 'holding'
  for (const watcher of own.watchers) watcher.write('holding\n')
  return { release: () => release(sockets, own) }
}

async function socketFolder(folder: string): Promise<string> {
  const real = await realpath(folder)
  const beside = join(real, '.lock')
  const fits = Buffer.byteLength(join(beside, `${'0'.repeat(16)}.sock`)) <= longestSocketPathBytes
  const digest = createHash('sha256').update(real).digest('hex').slice(0, 16)
  const chosen = fits ? beside : join(tmpdir(), `auth-agent-mcp-${digest}`)
  await mkdir(chosen, { recursive: true, mode: 0o700 })
  return chosen
}

async function listen(sockets: string): Promise<Own> {
  const name = `${randomBytes(8).toString('hex')}.sock`
  const watchers = new Set<Socket>()
  const own: Own = { name, state: 'starting', server: createServer(), watchers }
  own.server.on('connection', (socket) => {
    watchers.add(socket)
    socket.on('close', () => watchers.delete(socket)).on('error', () => socket.destroy())
    socket.write(`${process.pid} ${own.state}\n`)
  })
  await new Promise<void>((resolve, reject) => {
    own.server.once('error', reject).listen(join(sockets, name), resolve)
  })
  own.server.unref()
  return own
}

async function release(sockets: string, own: Own): Promise<void> {
  for (const watcher of own.watchers) watcher.destroy()
  await new Promise<void>((resolve) => {
    own.server.close(() => resolve())
  })
  await rm(join(sockets, own.name), { force: true })
}

// A holder wins. Of two that are starting the smaller name wins; the other one is waited for, because it may have
// looked before we listened and then holds without knowing of us.
function giveWayTo(path: string, isSmaller: boolean, folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const peer = createConnection(path)
    let said = ''
    peer.setEncoding('utf8')
    peer.on('data', (chunk: string) => {
      said += chunk
      const isHolding = said.includes('holding')
      if (!isHolding && !(isSmaller && said.includes('\n'))) return
      reject(new FolderInUse(folder, said.split(' ', 1).join()))
      peer.destroy()
    })
    // A dead process's socket refuses the connection: nobody can be reached under this name again.
    peer.on('error', () => rm(path, { force: true }).then(resolve, reject))
    peer.on('close', (failed) => failed || resolve())
  })
}
