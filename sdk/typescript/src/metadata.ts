import { refuse } from './answers.ts'
import type { IncomingRequest } from './incoming.ts'
import { METADATA_PATH, type Resource } from './resource.ts'
import { sha256Base64Url } from './sha256.ts'

const MAX_AGE_SECONDS = 300

// Clients probe a server for an authorization server's documents as well (MCP 2025-03-26): they need a plain "no".
const PROBED_PATHS = [METADATA_PATH, '/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']

/** Whether a request is about discovery, which needs no token and never reaches a handler. */
export function isMetadataPath(path: string): boolean {
  return (
    path.startsWith('/.well-known/') && PROBED_PATHS.some((probed) => path === probed || path.startsWith(`${probed}/`))
  )
}

/** Serves the RFC 9728 document at its own two paths and nowhere else (§3.1). */
export async function answerMetadata(request: IncomingRequest, resource: Resource): Promise<Response> {
  if (!resource.metadataPaths.includes(request.path)) {
    return refuse(404, 'not_found', 'There is no such metadata document on this server.')
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(405, 'method_not_allowed', 'This document can only be read.', { Allow: 'GET, HEAD' })
  }
  const etag = `"${(await sha256Base64Url(resource.document)).slice(0, 22)}"`
  const headers = { 'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}`, ETag: etag }
  if (namesEtag(request.header('if-none-match'), etag)) return new Response(null, { status: 304, headers })
  const body = request.method === 'HEAD' ? null : resource.document
  return new Response(body, { headers: { ...headers, 'Content-Type': 'application/json' } })
}

/** RFC 9110 §13.1.2, weak comparison. */
function namesEtag(ifNoneMatch: string | null, etag: string): boolean {
  const names = (ifNoneMatch ?? '').split(',').map((name) => name.trim().replace(/^W\//, ''))
  return names.includes(etag) || names.includes('*')
}
