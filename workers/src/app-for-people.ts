import type { Hono } from 'hono'
import type { AppEnv } from './context.ts'
import type { Dependencies } from './dependencies.ts'
import { openCors } from './http/cors.ts'
import { noPage } from './http/fallback-page.ts'
import { needsSession } from './http/person.ts'
import { newApp } from './new-app.ts'
import { accountRoute } from './routes/account.ts'
import { accountActivityRoute } from './routes/account-activity.ts'
import { accountDataRoute } from './routes/account-data.ts'
import { accountIdentitiesRoute } from './routes/account-identities.ts'
import { accountPasskeysRoute } from './routes/account-passkeys.ts'
import { accountSessionsRoute } from './routes/account-sessions.ts'
import { apiActivityRoute } from './routes/api-activity.ts'
import { apiCheckRoute } from './routes/api-check.ts'
import { apiClientRulesRoute } from './routes/api-client-rules.ts'
import { apiKeysRoute } from './routes/api-keys.ts'
import { apiOffersRoute } from './routes/api-offers.ts'
import { apiServersRoute } from './routes/api-servers.ts'
import { apiTokensRoute } from './routes/api-tokens.ts'
import { apiVerifyRoute } from './routes/api-verify.ts'
import { apiWebhooksRoute } from './routes/api-webhooks.ts'
import { authorizeRoute } from './routes/authorize.ts'
import { consentRoute } from './routes/consent.ts'
import { dashboardRoute } from './routes/dashboard.ts'
import { dashboardServerRoute } from './routes/dashboard-server.ts'
import { errorsRoute } from './routes/errors.ts'
import { homeRoute } from './routes/home.ts'
import { lostPasskeysRoute } from './routes/lost-passkeys.ts'
import { openApiRoute } from './routes/openapi.ts'
import { signInRoute } from './routes/sign-in.ts'
import { signInCodeRoute } from './routes/sign-in-code.ts'
import { signInPasskeyRoute } from './routes/sign-in-passkey.ts'
import { signInProviderRoute } from './routes/sign-in-provider.ts'
import { signOutRoute } from './routes/sign-out.ts'

/** What people and owners open: every page, and the management of servers. Also where no route fits. */
export function createAppForPeople(dependencies: Dependencies): Hono<AppEnv> {
  const app = newApp(dependencies, noPage)
  authorization(app)
  ownPages(app)
  management(app)
  // What this is
  app.route('/', homeRoute)
  app.route('/', errorsRoute)
  return app
}

function authorization(app: Hono<AppEnv>): void {
  app.route('/', authorizeRoute)
  app.route('/', signInRoute)
  app.route('/', signInCodeRoute)
  app.route('/', signInPasskeyRoute)
  app.route('/', signInProviderRoute)
  app.route('/', consentRoute)
  app.route('/', signOutRoute)
}

function ownPages(app: Hono<AppEnv>): void {
  app.use('/account/*', needsSession)
  app.use('/dashboard/*', needsSession)
  app.route('/', accountRoute)
  app.route('/', accountSessionsRoute)
  app.route('/', accountPasskeysRoute)
  app.route('/', lostPasskeysRoute)
  app.route('/', accountIdentitiesRoute)
  app.route('/', accountActivityRoute)
  app.route('/', accountDataRoute)
  app.route('/', dashboardRoute)
  app.route('/', dashboardServerRoute)
}

function management(app: Hono<AppEnv>): void {
  app.use('/openapi.json', openCors('GET, HEAD'))
  app.route('/', apiServersRoute)
  app.route('/', apiKeysRoute)
  app.route('/', apiVerifyRoute)
  app.route('/', apiCheckRoute)
  app.route('/', apiOffersRoute)
  app.route('/', apiTokensRoute)
  app.route('/', apiActivityRoute)
  app.route('/', apiClientRulesRoute)
  app.route('/', apiWebhooksRoute)
  app.route('/', openApiRoute)
}
