import type { Config } from './config.ts'
export type HeaderList = readonly (readonly [name: string, value: string])[]
/** Only what a browser really sends before a request counts; any other OPTIONS needs a token like every request. */
export declare function isPreflight(request: Request): boolean
/** Answered before authentication, because browsers send preflights without credentials. */
export declare function answerPreflight(request: Request, config: Config): Response
/** The headers of every answer, refusals included. Never credentials: a token is sent by the page, not the browser. */
export declare function corsHeaders(request: Request, config: Config): HeaderList
export declare function withCors(response: Response, headers: HeaderList): Response
