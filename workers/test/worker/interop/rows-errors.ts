import type { Row } from './row.ts'
import {
  codeForm,
  everything,
  forServer,
  get,
  refreshForm,
  refused,
  register,
  requestAtServer,
  token,
  visit,
} from './shapes.ts'

const loopback = 'http://localhost:9732/callback'
const some = { client_name: 'Some tool', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }
const asking = { ...requestAtServer, redirect_uri: loopback, scope: everything }
const json = { 'content-type': 'application/json' }
/** A refresh token by its shape, of no connection. */
const wellFormed = `mrt_${'A'.repeat(22)}.0.${'A'.repeat(43)}`
const unknown = refused(401, 'invalid_client', 'client_unknown')

/** What an error makes a client do decides which error it is (INTEROP 4.6). */
export const errorRows: readonly Row[] = [
  {
    id: 'errors-without-null',
    section: '4.6',
    clients: ['typescript_2', 'typescript_1'],
    quirk: 'cannot read an error whose description is null, or that is no JSON',
    answer: 'errors are JSON with error, error_description and error_uri, and nothing that is empty',
    since: '0.1.0',
    steps: [
      token({}, { ...refused(400, 'invalid_request', 'grant_type_missing'), lacks: [':null'], headers: json }),
      token(
        { grant_type: 'password' },
        { ...refused(400, 'unsupported_grant_type', 'grant_type_unsupported'), headers: json },
      ),
      get('/token', { ...refused(405, 'invalid_request', 'method_not_allowed'), headers: { ...json, allow: 'POST' } }),
      { ...get('/nowhere', refused(404, 'not_found', 'not_found')), method: 'POST' },
      token(codeForm(loopback, { client_id: 'x', code: 'x', code_verifier: 'x'.repeat(43) }), {
        ...refused(400, 'invalid_grant', 'code_unknown'),
        headers: { ...json, 'www-authenticate': null },
      }),
    ],
  },
  {
    id: 'invalid-client-wipes-the-registration',
    section: '4.6',
    clients: ['typescript_2', 'claude_ai', 'claude_code'],
    quirk:
      'forgets its registration and tokens at invalid_client or unauthorized_client, and its tokens at invalid_grant',
    answer:
      'invalid_client, with 401, only where the client is really unknown; any dead grant is invalid_grant, with 400',
    since: '0.1.0',
    steps: [
      register(some),
      visit(asking),
      token(codeForm(loopback, { client_id: 'client_of_another_server' }), {
        ...unknown,
        headers: { 'www-authenticate': 'Basic realm="auth-agent-mcp", charset="UTF-8"' },
      }),
      token(codeForm(loopback, { client_id: 'client_claude_code' }), refused(400, 'invalid_grant', 'client_mismatch')),
      token(codeForm(loopback)),
      token(codeForm(loopback), refused(400, 'invalid_grant', 'code_replayed')),
      token(refreshForm(), refused(400, 'invalid_grant', 'connection_revoked')),
      token(refreshForm({ refresh_token: 'mrt_of_another_server' }), refused(400, 'invalid_grant', 'refresh_unknown')),
    ],
  },
  {
    id: 'trouble-of-ours-wipes-nothing',
    section: '4.6',
    clients: ['typescript_2', 'python', 'others'],
    quirk: 'starts a new sign-in at server_error, and stays stuck at codes that no standard lists',
    answer: 'where the database is away, 503 with Retry-After; the same request is good a moment later',
    since: '0.1.0',
    steps: [
      register(some),
      visit(asking),
      token(codeForm(loopback)),
      {
        ...token(refreshForm(), {
          ...refused(503, 'temporarily_unavailable', 'store_unavailable'),
          headers: { ...json, 'retry-after': '5', 'cache-control': 'no-store' },
        }),
        at: 'issuer without database',
      },
      token(refreshForm()),
    ],
  },
  {
    id: 'a-document-that-is-away',
    section: '4.6',
    clients: ['claude_code', 'chatgpt', 'vscode'],
    quirk: 'is described by a document whose host is down for a moment',
    answer: 'that is no reason to be unknown: 503 with Retry-After; in the browser a page that says what is missing',
    since: '0.1.0',
    hosted: [{ url: 'https://tools.example.com/oauth/client.json', status: 502, body: {} }],
    steps: [
      visit(asking, { page: 'client_document_unavailable' }),
      token(refreshForm({ refresh_token: wellFormed }), {
        ...refused(503, 'temporarily_unavailable', 'client_document_unavailable'),
        headers: { ...json, 'retry-after': '60' },
      }),
    ],
  },
  {
    id: 'a-dead-id-is-seen-first-in-the-browser',
    section: '4.6',
    clients: ['claude_code', 'claude_ai', 'others'],
    quirk: 'registers anew only at invalid_client from the token endpoint, but brings its dead id to /authorize first',
    answer: 'a page names the cause and the way out; ids given out here do not die, because nothing is stored of them',
    decided: 'No redirect: until the client is known nobody vouches for the address.',
    since: '0.1.0',
    steps: [
      visit({ ...asking, client_id: 'client_of_another_server' }, { page: 'client_unknown' }),
      visit({ ...asking, client_id: `dcr_k1.${'e30'.repeat(20)}.${'A'.repeat(43)}` }, { page: 'client_unknown' }),
      token(refreshForm({ client_id: 'client_of_another_server', refresh_token: wellFormed }), unknown),
    ],
  },
  {
    id: 'starts-over-at-anything-but-200',
    section: '4.6',
    clients: ['python'],
    quirk: 'drops its tokens at any answer to a refresh that is not 200',
    answer: 'a refresh that is repeated is answered again, also from another isolate; 503 is rare and short',
    since: '0.1.0',
    steps: [
      register(some),
      visit(asking),
      token(codeForm(loopback), { ...forServer, learn: { old: 'refresh_token' } }),
      token(refreshForm({ refresh_token: '{old}', resource: '{server}' })),
      token(refreshForm({ refresh_token: '{old}', resource: '{server}' })),
      token(refreshForm({ refresh_token: '{old}', resource: '{server}' })),
    ],
  },
]
