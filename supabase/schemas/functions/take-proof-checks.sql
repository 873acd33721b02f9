-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before an hour has passed, also for another run that works beside: that is when one
-- comes again of which nobody could tell. None while documents are switched off: nobody's proof fails because nobody looked. A look is a
-- try like any other (begin_verification): the last one begun counts.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set verification_begun_at = clock_timestamp(),
      proof_checked_at = now() + interval '1 hour' - case when v.proof_failing_since is null then interval '7 days' else interval '1 day' end
    where v.server_id = any(array(
      select x.server_id from mcp_data.servers x
      where x.status = 'verified' and x.proof_method <> 'loopback' and (select e.documents_are_on from mcp_data.settings e)
        and x.proof_checked_at < now() - case when x.proof_failing_since is null then interval '7 days' else interval '1 day' end
      order by x.proof_checked_at limit p_limit for update skip locked))
    returning v.server_id, v.server_url, v.verification_begun_at)
  select coalesce(jsonb_agg(jsonb_build_object('server_id', c.server_id, 'server_url', c.server_url,
    'begun_at', c.verification_begun_at)), '[]') into v_servers
  from claimed c;
  return jsonb_build_object('outcome', 'taken', 'servers', v_servers);
end $$;
grant execute on function mcp.take_proof_checks(integer) to mcp_worker;
