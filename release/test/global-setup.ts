import { Sentence } from '../../scripts/child.mjs'
import { prepareTools } from '../tools.ts'

/** Made once, before the files that want it run beside each other; where it cannot be made, they say so. */
export async function setup(): Promise<void> {
  await prepareTools().catch((error: unknown) => {
    if (!(error instanceof Sentence)) throw error
  })
}
