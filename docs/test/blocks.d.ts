export declare const root: string
/** One fenced block of a page. */
export type Block = {
  page: string
  line: number
  language: string
  text: string
  /** The file, and region of it, that the block says it was cut from. */
  cutFrom:
    | {
        file: string
        region: string | undefined
      }
    | undefined
  /** The name under which a test runs it as a program. */
  runAs: string | undefined
}
/** Every page that a reader of the repository finds, README first. */
export declare function listPages(): string[]
export declare function readPage(page: string): string
export declare function readBlocks(page: string): Block[]
/** How a test names a block. */
export declare function nameOf({ page, line }: Block): string
export declare function blocksIn(languages: readonly string[], pages?: readonly string[]): Block[]
