// biome-ignore-all lint/performance/noBarrelFile: the entry of the package
export type { Access, Decision } from './access.ts'
export { createGuard, type Guard } from './guard.ts'
export { type AuthAgentEnv, accessOf, authAgentMiddleware, requireScopes } from './hono.ts'
export { AuthAgentConfigError, type AuthAgentOptions, type ScopeTable } from './options.ts'
export type { User } from './user.ts'
