-- Removes what has ended, at most p_batch rows a kind (decision 4), and keeps the audit months ahead. p_retention may hold
-- transaction_seconds, session_seconds, connection_seconds, key_seconds, pending_server_seconds, tombstone_seconds, audit_seconds, usage_seconds.
-- outcomes: cleaned {rows, more}
create or replace function mcp.clean_up(p_batch integer, p_retention jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  r jsonb := '{"transaction_seconds": 3600, "session_seconds": 86400, "connection_seconds": 2592000, "key_seconds": 7776000,
    "pending_server_seconds": 1209600, "tombstone_seconds": 7776000, "audit_seconds": 34560000, "usage_seconds": 34560000}'::jsonb || coalesce(p_retention, '{}');
  v_rows jsonb := '{}';
  v_count integer;
  v_server_ids text[];
  v_digests bytea[];
begin
  delete from mcp_data.transactions where transaction_id = any(array(select x.transaction_id from mcp_data.transactions x
    where x.expires_at < now() - make_interval(secs => (r->>'transaction_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('transactions', v_count);
  delete from mcp_data.sessions where session_id = any(array(select x.session_id from mcp_data.sessions x
    where least(x.expires_at, x.ended_at) < now() - make_interval(secs => (r->>'session_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('sessions', v_count);
  delete from mcp_data.limits where subject_digest = any(array(select x.subject_digest from mcp_data.limits x
    where x.expires_at < now() limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('limits', v_count);
  delete from mcp_data.idempotency_keys where key_digest = any(array(select x.key_digest from mcp_data.idempotency_keys x
    where x.expires_at < now() limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('idempotency_keys', v_count);
  -- Kept an hour longer than they are worth anything, for clocks that disagree.
  delete from mcp_data.client_assertions where assertion_digest in (select x.assertion_digest from mcp_data.client_assertions x
    where x.expires_at < now() - make_interval(secs => (r->>'transaction_seconds')::integer) limit p_batch for update skip locked);
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('client_assertions', v_count);
  -- A code that nobody redeemed leaves nothing behind; an ended connection stays a while, so that replays are still known.
  delete from mcp_data.connections where connection_id = any(array(select x.connection_id from mcp_data.connections x
    where (x.code_redeemed_at is null and x.code_expires_at < now() - make_interval(secs => (r->>'transaction_seconds')::integer))
      or x.refresh_expires_at < now() - make_interval(secs => (r->>'connection_seconds')::integer)
      or x.revoked_at < now() - make_interval(secs => (r->>'connection_seconds')::integer)
    limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('connections', v_count);
  delete from mcp_data.server_keys where key_id = any(array(select x.key_id from mcp_data.server_keys x
    where least(x.revoked_at, x.expires_at) < now() - make_interval(secs => (r->>'key_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('keys', v_count);
  delete from mcp_data.personal_tokens where token_id = any(array(select x.token_id from mcp_data.personal_tokens x
    where least(x.revoked_at, x.expires_at) < now() - make_interval(secs => (r->>'key_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('personal_tokens', v_count);
  delete from mcp_data.servers where server_id = any(array(select x.server_id from mcp_data.servers x
    where x.deleted_at < now() - make_interval(secs => (r->>'tombstone_seconds')::integer)
      or (x.status = 'pending' and x.owner_account_id is null
        and x.created_at < now() - make_interval(secs => (r->>'pending_server_seconds')::integer))
    limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('servers', v_count);
  delete from mcp_data.webhook_messages where message_id = any(array(select x.message_id from mcp_data.webhook_messages x
    where x.next_attempt_at is null and x.created_at < now() - make_interval(secs => (r->>'connection_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('webhook_messages', v_count);
  with gone as (
    delete from mcp_data.usage_days d where d.ctid = any(array(select x.ctid from mcp_data.usage_days x
      where x.day < (now() - make_interval(secs => (r->>'usage_seconds')::integer))::date limit p_batch for update skip locked))
    returning d.server_id, d.client_id_digest)
  select count(*), array_agg(g.server_id), array_agg(g.client_id_digest) into v_count, v_server_ids, v_digests from gone g;
  v_rows := v_rows || jsonb_build_object('usage_days', v_count);
  -- The names that were of these days alone. A name is looked at when a day of it goes, and so for the last time when the last one does:
  -- locked first, because two that take the last days between them have to look one after the other.
  perform from mcp_data.usage_clients n where (n.server_id, n.client_id_digest) in (select * from unnest(v_server_ids, v_digests))
    order by n.server_id, n.client_id_digest for update;
  delete from mcp_data.usage_clients n where (n.server_id, n.client_id_digest) in (select * from unnest(v_server_ids, v_digests))
    and not exists (select from mcp_data.usage_days d where d.server_id = n.server_id and d.client_id_digest = n.client_id_digest);
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('usage_clients', v_count);
  v_rows := v_rows || jsonb_build_object('audit_months',
    mcp_data.drop_audit_partitions(now() - make_interval(secs => (r->>'audit_seconds')::integer), p_batch));
  for v_count in 0..2 loop
    perform mcp_data.make_audit_partition(now() + make_interval(months => v_count));
  end loop;
  return jsonb_build_object('outcome', 'cleaned', 'rows', v_rows,
    'more', exists (select from jsonb_each_text(v_rows) e where e.key <> 'audit_months' and e.value::integer >= p_batch));
end $$;
grant execute on function mcp.clean_up(integer, jsonb) to mcp_worker;
