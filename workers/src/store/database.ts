// Generated from pg_catalog by supabase/local/scripts/generate-database-types.ts. Do not edit.

/** A bytea as PostgreSQL writes it in JSON: `\\x` and hexadecimal digits. */
export type Digest = string

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

/** The arguments of each function of schema mcp. Those with a default may be left out. */
export type FunctionArguments = {
  begin_verification: {
    p_server_id: string | null
    p_server_url: string | null
    p_caller: Json | null
  }
  clean_up: {
    p_batch: number | null
    p_retention?: Json | null
  }
  create_key: {
    p_server_id: string | null
    p_caller: Json | null
    p_key: Json | null
    p_limits: Json | null
    p_request?: Json | null
  }
  decide_consent: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_decision: string | null
    p_scopes: readonly string[] | null
    p_connection_id: string | null
    p_code_digest: Digest | null
    p_kid: string | null
    p_lifetimes: Json | null
    p_request?: Json | null
  }
  delete_server: {
    p_server_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  end_session: {
    p_session_digests: readonly Digest[] | null
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_request?: Json | null
  }
  exchange_authorization_code: {
    p_connection_id: string | null
    p_code_digests: readonly Digest[] | null
    p_client_id: string | null
    p_redirect_uri: string | null
    p_code_challenge: string | null
    p_resource_candidates: readonly string[] | null
    p_scope: readonly string[] | null
    p_refresh_digest: Digest | null
    p_kid: string | null
    p_client?: Json | null
    p_request?: Json | null
  }
  finish_verification: {
    p_server_id: string | null
    p_server_url: string | null
    p_request?: Json | null
  }
  get_client: {
    p_client_id: string | null
  }
  introspect_token: {
    p_key_id: string | null
    p_key_digests: readonly Digest[] | null
    p_server_id: string | null
    p_connection_id: string | null
    p_audience: string | null
    p_epoch: number | null
    p_expires_at_seconds: number | null
    p_scope: readonly string[] | null
    p_request?: Json | null
  }
  list_keys: {
    p_server_id: string | null
    p_caller: Json | null
  }
  list_servers: {
    p_caller: Json | null
  }
  open_transaction: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_browser_digest: Digest | null
    p_kid: string | null
    p_session_digests: readonly Digest[] | null
    p_client: Json | null
    p_authorization: Json | null
    p_connection_id: string | null
    p_code_digest: Digest | null
    p_lifetimes: Json | null
    p_max_open_transactions: number | null
    p_request?: Json | null
  }
  read_protected_resource: {
    p_server_id: string | null
  }
  read_readiness: Record<string, never>
  read_server: {
    p_server_id: string | null
    p_caller?: Json | null
  }
  read_transaction: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
  }
  read_userinfo: {
    p_connection_id: string | null
    p_epoch: number | null
    p_scope: readonly string[] | null
  }
  record_event: {
    p_event: string | null
    p_reason: string | null
    p_detail: Json | null
    p_request?: Json | null
  }
  register_server: {
    p_server_id: string | null
    p_server: Json | null
    p_status: string | null
    p_management: Json | null
    p_caller: Json | null
    p_limits: Json | null
    p_request?: Json | null
  }
  revoke_key: {
    p_server_id: string | null
    p_key_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  revoke_token: {
    p_client_id: string | null
    p_connection_id: string | null
    p_refresh_digests: readonly Digest[] | null
    p_generation: number | null
    p_client?: Json | null
    p_request?: Json | null
  }
  rotate_refresh_token: {
    p_connection_id: string | null
    p_generation: number | null
    p_token_digests: readonly Digest[] | null
    p_client_id: string | null
    p_resource_candidates: readonly string[] | null
    p_scope: readonly string[] | null
    p_successor_digest: Digest | null
    p_successor_ciphertext: Digest | null
    p_kid: string | null
    p_retry: Json | null
    p_client?: Json | null
    p_request?: Json | null
  }
  send_email_code: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_email: string | null
    p_code_digest: Digest | null
    p_kid: string | null
    p_limits: Json | null
    p_ip?: string | null
    p_request?: Json | null
  }
  update_server: {
    p_server_id: string | null
    p_caller: Json | null
    p_changes: Json | null
    p_request?: Json | null
  }
  verify_email_code: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_code_digests: readonly Digest[] | null
    p_old_session_digests: readonly Digest[] | null
    p_session_digest: Digest | null
    p_kid: string | null
    p_lifetimes: Json | null
    p_limits: Json | null
    p_request?: Json | null
  }
}
