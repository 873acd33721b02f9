-- When this person said yes to the same thing (SECURITY §11, B14), or null; and the keys by which the client was known. Internal.
-- Same account, client, redirect URI and resource, no wider scopes, and the connection it made still lives. Consent is kept
-- nowhere else, so revoking the connection forgets it (B15).
create or replace function mcp_data.remembered_consent(p_transaction mcp_data.transactions, p_seconds integer,
  out consented_at timestamptz, out client_keys text[])
language plpgsql stable set search_path = '' as $$
declare
  -- A client that proves itself less well than then is asked about again (E17). Keys that are fetched are not known yet.
  v_proof jsonb := jsonb_build_object('method', p_transaction.client->>'token_endpoint_auth_method',
    'key_thumbprints', p_transaction.client->'key_thumbprints');
begin
  select max(c.consented_at), (array_agg(distinct k.thumbprint) filter (where k.thumbprint is not null))[1:20]
  into consented_at, client_keys
  from mcp_data.connections c
  left join mcp_data.servers s on s.server_id = c.server_id
  cross join mcp_data.settings e
  left join lateral unnest(c.client_keys) as k (thumbprint) on true
  where c.account_id = p_transaction.account_id and c.server_id is not distinct from p_transaction.server_id
    and c.client_id = p_transaction.client_id and c.redirect_uri = p_transaction.redirect_uri
    and c.resource = p_transaction.resource and c.scopes @> (p_transaction.requested_scopes || p_transaction.identity_scopes)
    and c.suspended_at is null and not mcp_data.client_has_changed(c, v_proof)
    and c.revoked_at is null and c.code_redeemed_at is not null and c.issuer_epoch = e.issuer_epoch
    and c.refresh_expires_at > now() and c.consented_at > now() - make_interval(secs => p_seconds)
    and (c.email_shared or not coalesce(s.share_email, true));
end $$;
