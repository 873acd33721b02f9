/** The whole of a stream as UTF-8 text, or undefined where it is longer than `maxBytes`. */
export declare function readTextUpTo(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<string | undefined>
