// Layers whose parts wait for each other by real time: browsers, servers, processes. Next to other layers on a busy
// machine one of them may be starved. In the layers left out a failure that comes and goes is a fault of the product.
const waitForOthers = [
  'worker',
  'workerd',
  'faults',
  'operations',
  'conformance',
  'examples',
  'browser',
  'end-to-end',
  'local',
  'docs',
  'release',
]
// More than this is no bad luck.
const mostFiles = 3

/**
 * Runs the files in which something failed once more, one after the other with nothing beside them, says so, and gives
 * the counts with theirs in place. What fails twice has failed.
 */
export async function withSecondTry(files, runAlone, say = console.log) {
  const failed = files.filter(({ failures }) => failures.length > 0)
  if (failed.length > mostFiles || !failed.every(({ project }) => waitForOthers.includes(project))) return files
  const counts = new Map(files.map((file) => [file, file]))
  for (const file of failed) {
    const second = await runAlone(file)
    const again = second.files.find(({ path }) => path === file.path)
    if (again === undefined || again.failures.length > 0 || second.outside.length > 0) continue
    for (const failure of file.failures) say(`↻ ${failure}: failed beside other layers, passed alone`)
    counts.set(file, again)
  }
  return [...counts.values()]
}
