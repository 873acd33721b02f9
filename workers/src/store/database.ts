// Generated from pg_catalog by supabase/local/scripts/generate-database-types.ts. Do not edit.

/** A bytea as PostgreSQL writes it in JSON: `\\x` and hexadecimal digits. */
export type Digest = string

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

/** The arguments of each function of schema mcp that the Worker may call. Those with a default may be left out. */
export type FunctionArguments = {
  accept_server: {
    p_server_id: string | null
    p_caller: Json | null
    p_revoke_keys: boolean | null
    p_limits: Json | null
    p_request?: Json | null
  }
  add_passkey: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
    p_challenge_digests: readonly Digest[] | null
    p_passkey: Json | null
    p_maximum: number | null
    p_request?: Json | null
    p_wait_seconds?: number | null
  }
  begin_passkey: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
    p_challenge_digest: Digest | null
    p_maximum: number | null
  }
  begin_verification: {
    p_server_id: string | null
    p_server_url: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  clean_up: {
    p_batch: number | null
    p_retention?: Json | null
  }
  create_client_rule: {
    p_server_id: string | null
    p_caller: Json | null
    p_rule: Json | null
    p_limits?: Json | null
    p_request?: Json | null
  }
  create_key: {
    p_server_id: string | null
    p_caller: Json | null
    p_key: Json | null
    p_limits: Json | null
    p_idempotency?: Json | null
    p_request?: Json | null
  }
  create_personal_token: {
    p_caller: Json | null
    p_token: Json | null
    p_limits: Json | null
    p_idempotency?: Json | null
    p_request?: Json | null
  }
  create_webhook: {
    p_server_id: string | null
    p_caller: Json | null
    p_webhook: Json | null
    p_limits?: Json | null
    p_idempotency?: Json | null
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
  decline_server: {
    p_server_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  delete_client_rule: {
    p_server_id: string | null
    p_rule_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  delete_own_account: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
    p_request?: Json | null
  }
  delete_server: {
    p_server_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  delete_webhook: {
    p_server_id: string | null
    p_webhook_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  end_own_sessions: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_session_id: string | null
    p_extent: string | null
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
  export_own_account: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
  }
  finish_verification: {
    p_server_id: string | null
    p_server_url: string | null
    p_proof?: Json | null
    p_request?: Json | null
    p_begun_at?: string | null
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
  keep_passkeys: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_request?: Json | null
  }
  list_authorizations: {
    p_server_id: string | null
    p_caller: Json | null
    p_before: string | null
    p_limit: number | null
    p_reference?: string | null
  }
  list_client_rules: {
    p_server_id: string | null
    p_caller: Json | null
  }
  list_keys: {
    p_server_id: string | null
    p_caller: Json | null
    p_before?: string | null
    p_limit?: number | null
  }
  list_offers: {
    p_caller: Json | null
    p_before?: string | null
    p_limit?: number | null
  }
  list_own_connections: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_after: string | null
    p_limit: number | null
  }
  list_own_events: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_before: string | null
    p_limit: number | null
  }
  list_own_sessions: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
  }
  list_passkeys: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
  }
  list_personal_tokens: {
    p_caller: Json | null
    p_before?: string | null
    p_limit?: number | null
  }
  list_server_connections: {
    p_server_id: string | null
    p_caller: Json | null
    p_before: string | null
    p_limit: number | null
  }
  list_server_events: {
    p_server_id: string | null
    p_caller: Json | null
    p_filter: Json | null
    p_before: string | null
    p_limit: number | null
  }
  list_servers: {
    p_caller: Json | null
    p_before?: string | null
    p_limit?: number | null
  }
  list_webhooks: {
    p_server_id: string | null
    p_caller: Json | null
  }
  narrow_own_connection: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_connection_id: string | null
    p_scopes: readonly string[] | null
    p_request?: Json | null
  }
  offer_server: {
    p_server_id: string | null
    p_caller: Json | null
    p_email: string | null
    p_limits?: Json | null
    p_request?: Json | null
  }
  open_sign_in: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_browser_digest: Digest | null
    p_kid: string | null
    p_session_digests: readonly Digest[] | null
    p_page: string | null
    p_fresh_seconds: number | null
    p_lifetimes: Json | null
    p_max_open_transactions: number | null
    p_needs_passkey?: boolean | null
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
  read_own_connection: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_connection_id: string | null
  }
  read_person: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
  }
  read_protected_resource: {
    p_server_id: string | null
  }
  read_readiness: Record<string, never>
  read_server: {
    p_server_id: string | null
    p_caller?: Json | null
  }
  read_server_usage: {
    p_server_id: string | null
    p_caller: Json | null
    p_from: string | null
    p_to: string | null
    p_before: string | null
    p_limit: number | null
  }
  read_switches: Record<string, never>
  read_transaction: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_request?: Json | null
  }
  read_userinfo: {
    p_connection_id: string | null
    p_epoch: number | null
    p_scope: readonly string[] | null
  }
  record_denial: {
    p_caller: Json | null
    p_reason: string | null
    p_asked: string | null
    p_request?: Json | null
  }
  record_event: {
    p_event: string | null
    p_reason: string | null
    p_detail: Json | null
    p_request?: Json | null
  }
  record_proof_check: {
    p_server_id: string | null
    p_proof: Json | null
    p_seen: string | null
    p_request?: Json | null
    p_begun_at?: string | null
  }
  record_webhook_message: {
    p_message_id: string | null
    p_is_delivered: boolean | null
    p_seen: string | null
  }
  register_server: {
    p_server_id: string | null
    p_server: Json | null
    p_status: string | null
    p_management: Json | null
    p_caller: Json | null
    p_limits: Json | null
    p_idempotency?: Json | null
    p_request?: Json | null
  }
  remove_identity: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
    p_identity_id: string | null
    p_request?: Json | null
  }
  remove_lost_passkeys: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
    p_request?: Json | null
  }
  remove_passkey: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
    p_passkey_id: string | null
    p_request?: Json | null
  }
  rename_passkey: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_passkey_id: string | null
    p_name: string | null
  }
  replay_webhook_message: {
    p_server_id: string | null
    p_webhook_id: string | null
    p_message_id: string | null
    p_caller: Json | null
  }
  report_lost_passkeys: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_fresh_seconds: number | null
    p_wait_seconds: number | null
    p_confirm_seconds: number | null
    p_request?: Json | null
  }
  revoke_key: {
    p_server_id: string | null
    p_key_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  revoke_own_connections: {
    p_session_digests: readonly Digest[] | null
    p_session_idle_seconds: number | null
    p_connection_id: string | null
    p_extent: string | null
    p_request?: Json | null
  }
  revoke_personal_token: {
    p_token_id: string | null
    p_caller: Json | null
    p_request?: Json | null
  }
  revoke_server_connection: {
    p_server_id: string | null
    p_connection_id: string | null
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
    p_device?: Json | null
    p_ip?: string | null
    p_request?: Json | null
  }
  sign_in_with_provider: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_identity: Json | null
    p_code: Json | null
    p_old_session_digests: readonly Digest[] | null
    p_session_digest: Digest | null
    p_kid: string | null
    p_lifetimes: Json | null
    p_request?: Json | null
  }
  take_expiring_keys: {
    p_limit: number | null
  }
  take_passkey_challenge: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_credential_id: string | null
    p_request?: Json | null
  }
  take_proof_checks: {
    p_limit: number | null
  }
  take_webhook_messages: {
    p_limit: number | null
  }
  update_server: {
    p_server_id: string | null
    p_caller: Json | null
    p_changes: Json | null
    p_limits?: Json | null
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
  verify_passkey: {
    p_transaction_id: string | null
    p_browser_digests: readonly Digest[] | null
    p_passkey_id: string | null
    p_proof: Json | null
    p_reason: string | null
    p_old_session_digests: readonly Digest[] | null
    p_session_digest: Digest | null
    p_kid: string | null
    p_lifetimes: Json | null
    p_request?: Json | null
  }
}
