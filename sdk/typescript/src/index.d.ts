export { AuthAgentConfigError, type AuthAgentOptions, type ScopeTable } from './config.ts'
export { type Access, createGuard, type Decision, type Guard } from './guard.ts'
export { type AuthAgentEnv, authAgentMiddleware, requireScopes } from './hono.ts'
export type { User } from './user.ts'
