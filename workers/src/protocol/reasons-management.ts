import type { ReasonEntry } from './reason-entry.ts'

/** Refusals of the management API. */
export const managementReasons = {
  credential_missing: {
    error: 'invalid_token',
    status: 401,
    title: 'A credential is needed',
    what_happened: 'This needs a management token, a personal token or an access token for this API',
    what_to_do: 'Send Authorization: Bearer with the management token that was shown when the server was registered.',
  },
  credential_invalid: {
    error: 'invalid_token',
    status: 401,
    title: 'The credential is not valid',
    what_happened: 'The management token, personal token or access token is not valid',
    what_to_do: 'Check that it begins with smt_ or pat_ and is complete. API keys (sk_) are for introspection only.',
  },
  management_scope_missing: {
    error: 'insufficient_scope',
    status: 403,
    title: 'The token lacks a scope',
    what_happened: 'The access token lacks a scope this needs',
    what_to_do: 'Ask for servers:read, servers:write or keys:write.',
  },
  server_not_found: {
    error: 'not_found',
    status: 404,
    title: 'There is no such server',
    what_happened: 'There is no server of yours with this id',
    what_to_do: 'Check the server_id and the credential; they belong together.',
  },
  key_not_found: {
    error: 'not_found',
    status: 404,
    title: 'There is no such key',
    what_happened: 'There is no key of this server with this id',
    what_to_do: 'List the keys of the server.',
  },
  member_unknown: {
    error: 'invalid_request',
    status: 400,
    title: 'A member is not known',
    what_happened: 'The body has a member that is not known',
    what_to_do: 'Remove it.',
  },
  member_missing: {
    error: 'invalid_request',
    status: 400,
    title: 'A member is missing',
    what_happened: 'The body lacks a member',
    what_to_do: 'Add it.',
  },
  member_malformed: {
    error: 'invalid_request',
    status: 400,
    title: 'A member is malformed',
    what_happened: 'A member of the body is malformed',
    what_to_do: 'See error_description.',
  },
  member_immutable: {
    error: 'invalid_request',
    status: 400,
    title: 'This cannot be changed',
    what_happened: 'server_url cannot be changed',
    what_to_do: 'Register the new URL as a new server.',
  },
  server_url_malformed: {
    error: 'invalid_request',
    status: 400,
    title: 'The URL of the MCP server is not acceptable',
    what_happened: 'server_url must be the https URL that MCP clients are given, in its canonical spelling',
    what_to_do: 'Use lower case for the host, no port, no query, no fragment.',
  },
  server_url_taken: {
    error: 'conflict',
    status: 409,
    title: 'This URL is registered already',
    what_happened: 'A live server is registered for this server_url',
    what_to_do:
      'Use the existing registration, or delete it first. Its token is lost, and all of this runs on your machine? npm run ops -- servers suspend with that URL and --data .data frees it.',
  },
  servers_limit_reached: {
    error: 'conflict',
    status: 409,
    title: 'There are too many servers',
    what_happened: 'No more servers can be registered with this account',
    what_to_do: 'Delete one that is not needed.',
  },
  keys_limit_reached: {
    error: 'conflict',
    status: 409,
    title: 'There are too many keys',
    what_happened: 'A server may have ten live keys',
    what_to_do: 'Revoke one that is not needed.',
  },
} as const satisfies Record<string, ReasonEntry>
