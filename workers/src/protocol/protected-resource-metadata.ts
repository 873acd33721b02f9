import { managementScopes } from './scope.ts'

/** The resource identifier of this server's own API. */
export function managementResource(issuer: string): string {
  return `${issuer}/api`
}

/** Where this server's own protected resource document is: what a 401 of /api names (RFC 9728 §5.1). */
export function managementMetadataUrl(issuer: string): string {
  return `${issuer}/.well-known/oauth-protected-resource`
}

/** RFC 9728 §2, for ISSUER/api. */
export function managementResourceMetadata(issuer: string) {
  return {
    resource: managementResource(issuer),
    authorization_servers: [issuer],
    scopes_supported: managementScopes,
    bearer_methods_supported: ['header'],
    resource_name: 'Auth-Agent MCP management',
  }
}

/** RFC 9728 §2, a copy of what a registered server says of itself; `auth_agent_server_id` is its proof of ownership. */
export function protectedResourceMetadata(
  server: {
    readonly server_id: string
    readonly resource: string
    readonly server_name: string
    readonly scopes: readonly string[]
  },
  issuer: string,
) {
  return {
    resource: server.resource,
    authorization_servers: [issuer],
    scopes_supported: server.scopes,
    bearer_methods_supported: ['header'],
    resource_name: server.server_name,
    auth_agent_server_id: server.server_id,
  }
}
