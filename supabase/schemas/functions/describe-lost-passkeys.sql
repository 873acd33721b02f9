-- What has been said of an account's lost passkeys, as its person sees it; null where there is nothing, or it has lapsed. Internal.
create or replace function mcp_data.describe_lost_passkeys(p_account_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('reported_at_seconds', floor(extract(epoch from l.reported_at))::bigint,
    'removable_at_seconds', ceil(extract(epoch from l.removable_at))::bigint,
    'lapses_at_seconds', floor(extract(epoch from l.lapses_at))::bigint)
    from mcp_data.lost_passkeys l where l.account_id = p_account_id and l.lapses_at > now());
end $$;
