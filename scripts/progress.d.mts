/** Says what is being done once it takes longer than a second, and again every five. */
export function withProgress<Result>(what: string, work: () => Promise<Result>): Promise<Result>
