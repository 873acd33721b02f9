/**
 * The variables of a Worker whose database may take its time: on a busy machine a real answer can be late, and how long is waited for
 * one is no matter of the tests inside workerd. What the variables say themselves counts.
 */
export function patient<Variables extends Readonly<Record<string, unknown>>>(variables: Variables) {
  const limits = JSON.parse(String(variables.LIMITS ?? '{}')) as object
  return { ...variables, LIMITS: JSON.stringify({ database_milliseconds: 60_000, ...limits }) }
}
