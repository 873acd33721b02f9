import * as z from 'zod/mini'

const url = z.string().check(
  z.maxLength(2_048),
  z.refine((value) => URL.canParse(value)),
)

const metadata = z.object({
  issuer: z.string(),
  authorization_endpoint: url,
  token_endpoint: url,
  jwks_uri: url,
  userinfo_endpoint: z.optional(url),
  token_endpoint_auth_methods_supported: z.optional(z.array(z.string())),
  authorization_response_iss_parameter_supported: z.optional(z.boolean()),
})
export type ProviderMetadata = z.infer<typeof metadata>

/** Where an issuer's metadata is (OpenID Connect Discovery 1.0 §4). */
export function discoveryUrl(issuer: string): string {
  return `${issuer}/.well-known/openid-configuration`
}

/** Reads provider metadata that was found at this URL: the issuer in it is the one whose document it is (Discovery 1.0 §4.3). */
export function readProviderMetadata(
  json: unknown,
  foundAt: string,
): { readonly value: ProviderMetadata } | { readonly problem: string } {
  const read = metadata.safeParse(json)
  if (!read.success) return { problem: `${String(read.error.issues[0]?.path.join('.') ?? 'it')} is wrong or missing` }
  const { issuer, authorization_endpoint } = read.data
  if (discoveryUrl(issuer) !== foundAt) return { problem: 'its issuer is another one' }
  if (new URL(authorization_endpoint).protocol !== new URL(issuer).protocol) {
    return { problem: 'its authorization_endpoint is not on https' }
  }
  return { value: read.data }
}
