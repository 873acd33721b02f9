/** What the count reporter leaves of one test file. */
export type TestFile = {
  path: string
  project: string
  name: string
  passed: number
  skipped: number
  /** Names of the tests that failed. */
  failures: readonly string[]
}

/** Runs the files in which something failed once more alone, and gives the counts with theirs in place. */
export function withSecondTry(
  files: readonly TestFile[],
  runAlone: (file: TestFile) => Promise<{ files: readonly TestFile[]; outside: readonly string[] }>,
  say?: (line: string) => void,
): Promise<readonly TestFile[]>
