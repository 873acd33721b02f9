-- Durable limits (SECURITY "Limits", those marked D): the moments of the last hits of one subject, so windows slide. The
-- subject (an address, an IP) is not readable here.
create table mcp_data.limits (
  subject_digest bytea not null constraint limits_pkey primary key
    constraint limits_digest_is_32_bytes check (octet_length(subject_digest) = 32),
  kind text not null,
  hits timestamptz[] not null default '{}' constraint limits_hits_are_bounded check (cardinality(hits) <= 1000),
  expires_at timestamptz not null
);
create index limits_by_expiry on mcp_data.limits (expires_at);
