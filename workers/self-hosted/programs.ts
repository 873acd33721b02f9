/** What runs on the machine's Node: the RPC surface, the migrations, new secrets, and what operators do. */
export const programs = [
  'supabase/local/scripts/serve-rpc.ts',
  'supabase/local/scripts/migrate.ts',
  'supabase/local/scripts/make-secrets.ts',
  'workers/operations/ops.ts',
] as const
