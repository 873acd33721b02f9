import { BaseSequencer } from 'vitest/node'

// What waits for processes and browsers starts first, so that no processor stands idle at the end; the other layers
// fill the gaps with short files.
const longest = [
  'release',
  'end-to-end',
  'workerd',
  'browser',
  'conformance',
  'examples',
  'operations',
  'faults',
  'docs',
]

const rank = ({ project }) => (longest.includes(project.name) ? longest.indexOf(project.name) : longest.length)

/** Runs the layers with long files before the others; within a layer vitest's own order holds. */
export class LongestLayersFirst extends BaseSequencer {
  async sort(files) {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
