import { checkDocumentUrl, type UrlPolicy } from './document-url.ts'
import type { JsonCall } from './fetch-document.ts'
import { callHost, type HostSettings } from './host-budget.ts'

const maximumBytes = 65_536

/**
 * Calls an endpoint for its JSON answer, under the policy for strangers' documents (SECURITY §24), with what the caller sends
 * along: for the endpoints that a provider's own metadata names, which is no more to be trusted with our network than others are.
 */
export function createCallJson(settings: HostSettings & { readonly policy: UrlPolicy }) {
  return async (url: string, call: JsonCall): Promise<{ readonly json: unknown } | { readonly problem: string }> => {
    const allowed = checkDocumentUrl(url, settings.policy)
    if (allowed.outcome === 'refused') return { problem: allowed.problem }
    const fetched = await callHost(allowed, maximumBytes, { ...settings, call })
    return fetched.outcome === 'fetched' ? { json: fetched.json } : { problem: fetched.detail }
  }
}
