export type ErrorCode =
  | 'access_denied'
  | 'conflict'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'interaction_required'
  | 'invalid_client'
  | 'invalid_client_metadata'
  | 'invalid_grant'
  | 'invalid_redirect_uri'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_software_statement'
  | 'invalid_target'
  | 'invalid_token'
  | 'not_found'
  | 'registration_not_supported'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'

export type ReasonEntry = {
  readonly error: ErrorCode
  readonly status: number
  readonly title: string
  /** One sentence without a full stop, in the characters of an error_description (RFC 6749 §5.2). */
  readonly what_happened: string
  readonly what_to_do: string
}
