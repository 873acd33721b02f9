import { once } from 'node:events'
import type { Surroundings } from './command-line.ts'

/** Waits where the reader is slower: an audit log may not fit into memory. */
const writeTo = (stream: NodeJS.WriteStream) => async (text: string) => {
  if (!stream.write(text)) await once(stream, 'drain')
}

/** What a program of ours finds around it. */
export function programSurroundings(): Surroundings {
  return { env: process.env, write: writeTo(process.stdout), writeError: writeTo(process.stderr) }
}
