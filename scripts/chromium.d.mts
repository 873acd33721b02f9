/** The path of a browser that tests can drive, or undefined; `CHROMIUM_PATH` names another one. */
export function findChromium(): string | undefined
