import type { Config } from './config.ts'
/**
 * Refuses hosts and browser origins that the owner has not listed (MCP 2026-07-28, Streamable HTTP, Security): a page
 * that points its own name at this machine sends that name here.
 */
export declare function refuseStranger(request: Request, config: Config): Response | undefined
