/** The repository's folder. */
export const root: string

/** The package manager, as npx fetches it. */
export const pnpm: string
