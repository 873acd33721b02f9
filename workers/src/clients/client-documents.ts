import type { DocumentKind } from '../documents/document-reader.ts'
import type { Client } from '../protocol/client-metadata.ts'
import { type DocumentRules, readClientDocument } from '../protocol/client-metadata-document.ts'
import { type PublicKeySet, readKeySet } from '../protocol/client-registration.ts'
import { OAuthError } from '../protocol/errors.ts'

/** The CIMD draft's own limit. */
const clientDocumentBytes = 5_120
const keySetBytes = 65_536

/** A rule that was not kept is what is wrong with the document, not with the request that named it. */
function judged<Value>(read: () => Value): { readonly value: Value } | { readonly problem: string } {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof OAuthError) return { problem: error.description }
    throw error
  }
}

/** Client ID metadata documents (SECURITY §24, §25). */
export function clientDocumentKind(rules: DocumentRules): DocumentKind<Client> {
  return { maximumBytes: clientDocumentBytes, read: (json, url) => judged(() => readClientDocument(json, url, rules)) }
}

/** What a `jwks_uri` leads to (RFC 7517 §5). */
export const keySetKind: DocumentKind<PublicKeySet> = {
  maximumBytes: keySetBytes,
  read: (json) => judged(() => readKeySet(json, 'the document')),
}
