export type Jose = typeof import('jose')

let loaded: Promise<Jose | undefined> | undefined

/** The optional peer `jose`, loaded where an option needs it; undefined where it is not installed. */
export function loadJose(): Promise<Jose | undefined> {
  loaded ??= importJose()
  return loaded
}

async function importJose(): Promise<Jose | undefined> {
  // The try also tells bundlers that it may be missing.
  try {
    return await import('jose')
  } catch {
    return undefined
  }
}
