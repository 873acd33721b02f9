import { styles } from '../pages/styles.ts'

/** Where a page's forms may lead, redirects included; our own origin always. */
export type FormAction = 'self' | { readonly redirectUri: string }

/** The one script a page may have: it is let in by its nonce, and does one thing with passkeys. */
export type PageScript = { readonly nonce: string; readonly passkeys: 'get' | 'create' }

let stylesHash: Promise<string> | undefined

async function hashOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return `'sha256-${btoa(String.fromCharCode(...digest))}'`
}

/**
 * The CSP source that lets the consent form end at this redirect URI (SECURITY §13). Chromium holds the whole redirect
 * chain against `form-action`, so `https:` is open as a whole; only scheme, host and port ever reach the header (B25).
 */
export function redirectSource(redirectUri: string): string | undefined {
  const { protocol, hostname, port, origin } = new URL(redirectUri)
  if (protocol === 'https:') return undefined
  if (protocol !== 'http:') return protocol
  // An IPv6 literal is no valid host source (CSP3 §2.3.1).
  return hostname === '[::1]' ? `http://*:${port === '' ? '80' : port}` : origin
}

function formActionSources(formAction: FormAction): string[] {
  if (formAction === 'self') return ["'self'"]
  const source = redirectSource(formAction.redirectUri)
  return ["'self'", 'https:', ...(source === undefined ? [] : [source])]
}

/** The headers that only pages have; `securityHeaders` adds those of every answer (SECURITY §13). */
export async function pageHeaders(formAction: FormAction, script?: PageScript): Promise<Record<string, string>> {
  stylesHash ??= hashOf(styles)
  const policy = [
    "default-src 'none'",
    ...(script === undefined ? [] : [`script-src 'nonce-${script.nonce}'`]),
    `style-src ${await stylesHash}`,
    "img-src 'self'",
    `form-action ${formActionSources(formAction).join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': permissionsPolicy(script),
  }
}

const features = [
  'camera',
  'clipboard-read',
  'display-capture',
  'geolocation',
  'microphone',
  'payment',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'usb',
]

/** Nothing is allowed to a page that needs nothing. */
function permissionsPolicy(script?: PageScript): string {
  const needed = script && `publickey-credentials-${script.passkeys}`
  return features.map((feature) => `${feature}=${feature === needed ? '(self)' : '()'}`).join(', ')
}
