/** A folder that gets a virtual environment `.venv`, and what is to be in it. */
export type PythonEnvironment = {
  folder: string
  /** Path of the lock file: pinned, with hashes. */
  requirements: string
  /** Folders whose modules can be imported. */
  sources?: readonly string[]
}

/** What the tests and checks of the Python SDK need. */
export const pythonSdk: PythonEnvironment

/** What the Python example runs in: its lock, and the SDK as it lies here. */
export const pythonExample: PythonEnvironment

/**
 * Makes the environment where it is missing or its lock has changed, and gives the path of its Python.
 * @throws a `Sentence` where Python or a package cannot be had
 */
export function preparePython(
  setting: { env: Readonly<Record<string, string | undefined>> },
  wanted: PythonEnvironment,
): Promise<string>
