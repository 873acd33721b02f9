import type { ReasonEntry } from './reason-entry.ts'

/** Refusals of a client's own description: dynamic registration and client ID metadata documents. */
export const registrationReasons = {
  client_metadata_invalid: {
    error: 'invalid_client_metadata',
    status: 400,
    title: 'The description of the application is not acceptable',
    what_happened: 'A member of the client metadata is not acceptable',
    what_to_do: 'See error_description; the members are those of RFC 7591, section 2.',
  },
  redirect_uris_invalid: {
    error: 'invalid_redirect_uri',
    status: 400,
    title: 'None of the addresses to go back to is acceptable',
    what_happened:
      'redirect_uris needs 1 to 10 URIs, of which at least one is https, or http on localhost, 127.0.0.1 or [::1], or of a scheme this server lists',
    what_to_do: 'Register plain https or loopback redirect URIs, without wildcard, fragment or user name.',
  },
  client_metadata_too_large: {
    error: 'invalid_client_metadata',
    status: 400,
    title: 'The description of the application is too long',
    what_happened: 'The metadata does not fit into a client_id of 2,048 characters',
    what_to_do: 'Register fewer or shorter redirect URIs, or jwks_uri in place of jwks; or host a metadata document.',
  },
  software_statement_unsupported: {
    error: 'invalid_software_statement',
    status: 400,
    title: 'Software statements are not supported',
    what_happened: 'software_statement is not supported: nobody here could verify it',
    what_to_do: 'Register without it.',
  },
  registration_disabled: {
    error: 'registration_not_supported',
    status: 403,
    title: 'Applications cannot register themselves here',
    what_happened: 'The operator has switched dynamic registration off',
    what_to_do: 'Use a client ID metadata document, or ask the operator to register the client.',
  },
  client_id_malformed: {
    error: 'invalid_client',
    status: 401,
    title: 'The id of the application is malformed',
    what_happened: 'client_id is neither a registered id nor a URL that this server would fetch',
    what_to_do:
      'A metadata document is named by one https URL with a path, on a public host, without port, user, fragment or dot segments.',
  },
  client_document_unavailable: {
    error: 'temporarily_unavailable',
    status: 503,
    title: 'The description of the application cannot be fetched',
    what_happened: 'The metadata document at client_id could not be fetched',
    what_to_do:
      'It must answer with status 200 within 5 seconds, without redirect, from a public address. Failures are remembered for a minute.',
  },
  client_document_invalid: {
    error: 'invalid_client',
    status: 401,
    title: 'The description of the application is not valid',
    what_happened: 'The metadata document at client_id is not valid',
    what_to_do: 'See error_description; the document is cached for at least five minutes once it is valid.',
  },
  client_changed: {
    error: 'invalid_grant',
    status: 400,
    title: 'The application has changed its keys',
    what_happened: 'All keys of the client were replaced, or its authentication became weaker, since the person agreed',
    what_to_do: 'Start a new authorization, so that the person can agree again.',
  },
  assertion_refused: {
    error: 'invalid_client',
    status: 401,
    title: 'The client assertion is not acceptable',
    what_happened: 'The client assertion is not acceptable',
    what_to_do: 'See error_description; aud is the issuer, exp at most 5 minutes away, jti new each time.',
  },
  client_keys_unavailable: {
    error: 'temporarily_unavailable',
    status: 503,
    title: 'The keys of the application cannot be fetched',
    what_happened: 'The keys at jwks_uri could not be fetched, so the client assertion could not be checked',
    what_to_do:
      'jwks_uri must answer with status 200 within 5 seconds, without redirect, from a public address. Failures are remembered for a minute; try again after the time in the Retry-After header.',
  },
  assertion_replayed: {
    error: 'invalid_client',
    status: 401,
    title: 'The client assertion was used before',
    what_happened: 'The jti of the client assertion was used before',
    what_to_do: 'Make a new assertion for each request.',
  },
} as const satisfies Record<string, ReasonEntry>
