import { randomBase62 } from '../crypto/random.ts'

/** Names one request in its answer, its log line and its audit events; never taken from the caller (M14). */
export function newRequestId(): string {
  return `req_${randomBase62(16)}`
}

export function isRequestId(text: string): boolean {
  return /^req_[0-9A-Za-z]{16}$/.test(text)
}
