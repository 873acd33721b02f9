import { type App, createApp } from './app.ts'
import { ConfigError, parseConfig } from './config.ts'
import { chooseDependencies, type Dependencies } from './dependencies.ts'
import { chooseNetwork } from './network.ts'

type Environment = Readonly<Record<string, unknown>>
type House = { readonly dependencies: Dependencies; readonly app: App }

/** One for an isolate: the environment never changes under it. */
const houses = new WeakMap<object, House>()

function houseOf(env: Environment): House {
  const known = houses.get(env)
  if (known !== undefined) return known
  const dependencies = chooseDependencies(parseConfig(env), chooseNetwork(env), { dataset: env.METRICS })
  const house = { dependencies, app: createApp(dependencies) }
  houses.set(env, house)
  return house
}

/** Every route answers 500 until the configuration is right (SECURITY §7); the log names the variables, never a value. */
function notConfigured(error: unknown): Response {
  if (!(error instanceof ConfigError)) throw error
  console.error(JSON.stringify({ level: 'error', reason: 'not_configured', cause: error.message }))
  const error_description = 'This server is not configured; its log says what is missing.'
  return Response.json(
    { error: 'server_error', error_description },
    { status: 500, headers: { 'Cache-Control': 'no-store' } },
  )
}

export default {
  fetch(request, env, context) {
    try {
      return houseOf(env).app.fetch(request, env, context)
    } catch (error) {
      return notConfigured(error)
    }
  },
  async scheduled(_controller, env) {
    const { runScheduled } = await import('./scheduled.ts')
    await runScheduled(houseOf(env).dependencies)
  },
} satisfies ExportedHandler<Environment>
