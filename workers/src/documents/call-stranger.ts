import type { UrlPolicy } from './document-url.ts'
import { checkDocumentUrl } from './document-url.ts'
import { addressProblem, DeadlineError, withDeadline } from './fetch-document.ts'
import type { HostSettings } from './host-budget.ts'

export type StrangerSettings = HostSettings & { readonly policy: UrlPolicy }

export type StrangerRequest = {
  readonly method: 'GET' | 'POST' | 'OPTIONS'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What came of a call: the head of the answer, for its body is not read. `told` may be told to the owner of the host. */
export type StrangerAnswer =
  | { readonly outcome: 'answered'; readonly status: number; readonly headers: Headers }
  | { readonly outcome: 'unavailable'; readonly told: string }

export type CallStranger = (url: string, request: StrangerRequest) => Promise<StrangerAnswer>

/**
 * Calls a URL that a stranger chose, under the policy for strangers' documents (SECURITY §24): the URL judged on its raw
 * string, every address checked, no redirect followed, bounded in time, and no credential of ours sent along.
 */
export function createCallStranger(settings: StrangerSettings): CallStranger {
  return async (url, request) => {
    const unavailable = (told: string): StrangerAnswer => ({ outcome: 'unavailable', told })
    const allowed = checkDocumentUrl(url, settings.policy)
    if (allowed.outcome === 'refused') return unavailable(allowed.problem)
    const { budget, nowSeconds, timeoutMs, fetchUrl, resolveName, userAgent } = settings
    if (!budget.take(allowed.url.host, nowSeconds())) return unavailable('the budget of calls to this host is spent')
    try {
      const answer = await withDeadline(timeoutMs, async (signal): Promise<StrangerAnswer> => {
        const problem = await addressProblem(allowed, resolveName, signal)
        if (problem !== undefined) return unavailable(problem)
        const headers = { 'user-agent': userAgent, ...request.headers }
        const { method, body } = request
        const response = await fetchUrl(allowed.url, {
          method,
          headers,
          redirect: 'manual',
          signal,
          ...(body !== undefined && { body }),
        })
        await response.body?.cancel()
        return { outcome: 'answered', status: response.status, headers: response.headers }
      })
      budget.report(allowed.url.host, nowSeconds(), answer.outcome === 'answered' ? 'succeeded' : 'failed')
      return answer
    } catch (error) {
      budget.report(allowed.url.host, nowSeconds(), 'failed')
      return unavailable(error instanceof DeadlineError ? error.message : 'the host could not be reached')
    }
  }
}
