import type { DocumentKind } from '../documents/document-reader.ts'
import type { Client } from '../protocol/client-metadata.ts'
import { type DocumentRules, readClientDocument } from '../protocol/client-metadata-document.ts'
import { keySet, type PublicKeySet } from '../protocol/client-registration.ts'
import { OAuthError } from '../protocol/errors.ts'

/** The CIMD draft's own limit. */
const clientDocumentBytes = 5_120
const keySetBytes = 65_536

/** Client ID metadata documents (SECURITY §24, §25). */
export function clientDocumentKind(rules: DocumentRules): DocumentKind<Client> {
  return {
    maximumBytes: clientDocumentBytes,
    read: (json, url) => {
      try {
        return { value: readClientDocument(json, url, rules) }
      } catch (error) {
        if (error instanceof OAuthError) return { problem: error.description }
        throw error
      }
    },
  }
}

/** What a `jwks_uri` leads to (RFC 7517 §5). */
export const keySetKind: DocumentKind<PublicKeySet> = {
  maximumBytes: keySetBytes,
  read: (json) => {
    const parsed = keySet.safeParse(json)
    return parsed.success ? { value: parsed.data } : { problem: 'it is not a JSON Web Key Set' }
  },
}
