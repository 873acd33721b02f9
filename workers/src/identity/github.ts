import * as z from 'zod/mini'
import { s256 } from '../crypto/pkce.ts'
import {
  type CallJson,
  callProvider,
  formRequest,
  type GithubRow,
  ProviderFailed,
  type SignInProvider,
} from './provider.ts'

const tokens = z.object({ access_token: z.string(), token_type: z.string() })
const user = z.object({ id: z.number().check(z.int(), z.positive()) })
const emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }))

/**
 * GitHub has no OpenID Connect for people: an OAuth app, and its API says who it is. PKCE, a state and a redirect URI of its own
 * stand in for nonce and issuer. Known by the number, because a login can be given to somebody else.
 */
export function githubProvider(row: GithubRow, call: CallJson): SignInProvider {
  const { id, name, issuer, client_id, client_secret } = row
  return {
    id,
    name,
    issuer,
    authorizationUrl: async ({ redirect_uri, state, code_verifier }) => {
      const url = new URL(`${issuer}/login/oauth/authorize`)
      const challenge = { code_challenge: await s256(code_verifier), code_challenge_method: 'S256' }
      const fields = { client_id, redirect_uri, state, scope: 'read:user user:email', ...challenge }
      for (const [field, value] of Object.entries(fields)) url.searchParams.set(field, value)
      return url.href
    },
    identify: async ({ code, redirect_uri, code_verifier }) => {
      const fields = { client_id, client_secret, code, redirect_uri, code_verifier }
      const given = tokens.safeParse(
        await callProvider(call, `${issuer}/login/oauth/access_token`, formRequest(fields)),
      )
      // A code that is not good is answered with status 200 and an error.
      if (!given.success) throw new ProviderFailed(`${issuer}: the token endpoint gave no token`)
      return identify(row, call, given.data.access_token)
    },
  }
}

async function identify({ issuer, api_url }: GithubRow, call: CallJson, access_token: string) {
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${access_token}`,
    'x-github-api-version': '2022-11-28',
  }
  const ask = (path: string) => callProvider(call, `${api_url}${path}`, { method: 'GET', headers })
  const [who, addresses] = await Promise.all([ask('/user'), ask('/user/emails')])
  const [read, listed] = [user.safeParse(who), emails.safeParse(addresses)]
  if (!read.success || !listed.success)
    throw new ProviderFailed(`${issuer}: its API answers in a shape that is not known`)
  const email = listed.data.find(({ primary, verified }) => primary && verified)?.email
  return { issuer, subject: read.data.id.toString(), ...(email !== undefined && { email }) }
}
