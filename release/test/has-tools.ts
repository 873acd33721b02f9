import { Sentence } from '../../scripts/child.mjs'
import { prepareTools } from '../tools.ts'

/** Whoever works without Python is told so, and the tests that need it are skipped; where CI runs, nothing may be. */
export const hasTools: boolean = await prepareTools().then(
  () => true,
  (error: unknown) => {
    if (!(error instanceof Sentence)) throw error
    console.error(error.message)
    return false
  },
)
