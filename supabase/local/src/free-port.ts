import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { listen, PortRefused } from './http.ts'

// Below those that systems give out by themselves, to whoever listens on port 0 or connects.
const lowest = 20_000
const highest = 32_767
const attempts = 100

/**
 * A port of the loopback interface for something that listens later, maybe in another process, and maybe again and again.
 * Until this process ends, nobody else who asks here gets it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(lowest, highest + 1)
    // In this order: even a look at a port of somebody else's would be in the way of what is about to listen there.
    if ((await reserve(port)) && !(await isTaken(port))) return port
  }
  throw new Error(`No free port from ${lowest} to ${highest} on 127.0.0.1.`)
}

async function isTaken(port: number): Promise<boolean> {
  try {
    await (await listen(() => {}, port, 'a probe')).close()
    return false
  } catch (error) {
    if (error instanceof PortRefused) return true
    throw error
  }
}

// The port of the same number for datagrams, which nobody here uses, is the mark that others see; the system takes it away
// with this process, however that ends.
async function reserve(port: number): Promise<boolean> {
  const mark = createSocket('udp4')
  mark.bind({ port, address: '127.0.0.1', exclusive: true })
  try {
    await once(mark, 'listening')
    mark.unref()
    return true
  } catch {
    mark.close()
    return false
  }
}
