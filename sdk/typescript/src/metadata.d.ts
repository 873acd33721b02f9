import { type Resource } from './resource.ts'
/** Whether a request is about discovery, which needs no token and never reaches a handler. */
export declare function isMetadataPath(request: Request): boolean
/** Serves the RFC 9728 document at its own two paths and nowhere else (§3.1). */
export declare function answerMetadata(request: Request, resource: Resource): Promise<Response>
