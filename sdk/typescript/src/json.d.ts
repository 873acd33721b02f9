/** The value a JSON text stands for, or undefined where it is none. */
export declare function parseJson(text: string): unknown
export declare function isRecord(value: unknown): value is Record<string, unknown>
