/** Ends a `switch` over a union: the compiler refuses it while a case is missing. */
export declare function assertNever(value: never): never
