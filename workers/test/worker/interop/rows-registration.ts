import type { Row } from './row.ts'
import {
  codeForm,
  everything,
  forServer,
  refreshForm,
  refused,
  register,
  requestAtServer,
  revoke,
  token,
  visit,
  without,
} from './shapes.ts'

const loopback = 'http://localhost:9732/callback'
const some = { client_name: 'Some tool', redirect_uris: [loopback], token_endpoint_auth_method: 'none' }
const asking = { ...requestAtServer, redirect_uri: loopback, scope: everything }
const document = 'https://tools.example.com/oauth/client.json'
const hosted = { client_id: document, client_name: 'Shared tool', redirect_uris: ['http://localhost/callback'] }

export const registrationRows: readonly Row[] = [
  {
    id: 'application-type-web-on-loopback',
    section: '4.5',
    clients: ['others'],
    quirk: 'registers a loopback redirect as application_type web',
    answer: 'the type is inferred from the redirects, whatever was said',
    since: '0.1.0',
    steps: [
      register({ ...some, application_type: 'web' }, { json: { application_type: 'native' } }),
      visit(asking),
      token(codeForm(loopback)),
    ],
  },
  {
    id: 'no-authentication-method',
    section: '4.5',
    clients: ['python'],
    quirk: 'leaves token_endpoint_auth_method out and then authenticates by Basic, with client_id in the body as well',
    answer:
      'the standard’s default counts: client_secret_basic, with a secret that is derived and never stored; the answer says so',
    since: '0.1.0',
    steps: [
      register(
        {
          client_name: 'Python tool',
          redirect_uris: [loopback],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          scope: everything,
        },
        {
          json: { token_endpoint_auth_method: 'client_secret_basic', client_secret_expires_at: 0 },
          learn: { client_secret: 'client_secret' },
        },
      ),
      visit(asking),
      token(codeForm(loopback, { resource: '{server}' }), forServer, { authorization: '{basic_encoded}' }),
      token(refreshForm({ resource: '{server}' }), forServer, { authorization: '{basic_encoded}' }),
      token(refreshForm({ resource: '{server}' }), refused(401, 'invalid_client', 'client_authentication_missing')),
    ],
  },
  {
    id: 'members-nobody-knows',
    section: '4.5',
    clients: ['vscode', 'gemini', 'others'],
    quirk: 'sends members of its own, a resource, and grant types that no server here has',
    answer: 'members are ignored, grant types are narrowed to the supported ones',
    since: '0.1.0',
    steps: [
      register(
        {
          ...some,
          resource: 'https://files.example.com/mcp',
          x_vendor: { build: 7 },
          grant_types: [
            'authorization_code',
            'refresh_token',
            'urn:ietf:params:oauth:grant-type:jwt-bearer',
            'urn:ietf:params:oauth:grant-type:device_code',
          ],
        },
        {
          json: { grant_types: ['authorization_code', 'refresh_token'] },
          without: ['resource', 'x_vendor'],
        },
      ),
      visit(asking),
      token(codeForm(loopback)),
    ],
  },
  {
    id: 'empty-strings',
    section: '4.5',
    clients: ['gemini', 'inspector'],
    quirk: 'sends empty strings for what it does not have, null for the rest, and a contact twice',
    answer: 'all of that is absent',
    since: '0.1.0',
    steps: [
      register(
        {
          ...some,
          scope: '',
          client_uri: '',
          logo_uri: '',
          tos_uri: null,
          contacts: ['a@example.com', 'a@example.com'],
        },
        { without: ['scope', 'client_uri', 'logo_uri', 'tos_uri'], lacks: [':null'] },
      ),
    ],
  },
  {
    id: 'client-uri-on-loopback',
    section: '4.5',
    clients: ['use_mcp', 'others'],
    quirk: 'sends the origin of its page as client_uri, which is http on loopback while it is developed',
    answer: 'that link is left out, because it would lead everybody to their own machine',
    since: '0.1.0',
    steps: [
      register(
        { ...some, client_uri: 'http://localhost:9732', logo_uri: 'http://127.0.0.1:9732/logo.png' },
        { without: ['client_uri', 'logo_uri'] },
      ),
      visit(asking),
      token(codeForm(loopback)),
    ],
  },
  {
    id: 'strict-reading-of-the-answer',
    section: '4.5',
    clients: ['claude_code', 'oauth4webapi'],
    quirk: 'fails on members that are null, on a status other than 201, and on a secret without a number for its end',
    answer:
      '201, the accepted metadata, no null; client_secret_expires_at is 0 with every secret and absent without one',
    since: '0.1.0',
    steps: [
      register(some, {
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
        json: { ...some, response_types: ['code'], application_type: 'native' },
        without: ['client_secret', 'client_secret_expires_at'],
        lacks: [':null'],
      }),
      register(
        { ...some, token_endpoint_auth_method: 'client_secret_post' },
        { json: { client_secret_expires_at: 0 }, learn: { client_secret: 'client_secret' }, lacks: [':null'] },
      ),
      visit(asking),
      token(codeForm(loopback, { client_secret: '{client_secret}' })),
    ],
  },
  {
    id: 'registers-at-each-run',
    section: '4.5',
    clients: ['gemini', 'claude_ai', 'others'],
    quirk: 'registers the same metadata at each run or each connect',
    answer:
      'a public client gets the same id each time; nothing is stored, so nothing is cleared away while a grant lives',
    since: '0.1.0',
    steps: [
      register(some, { learn: { first: 'client_id' } }),
      register(some, { json: { client_id: '{first}' } }),
      visit(asking),
      token(codeForm(loopback)),
      register(some, { json: { client_id: '{first}' } }),
      token(refreshForm()),
    ],
  },
  {
    id: 'scope-at-registration',
    section: '4.5',
    clients: ['typescript_2', 'mcp_remote'],
    quirk: 'registers with the scope of its first 401, and asks for more later',
    answer: 'a registered scope caps nothing',
    since: '0.1.0',
    steps: [register({ ...some, scope: 'files:read' }), visit(asking), token(codeForm(loopback))],
  },
  {
    id: 'document-with-another-json-type',
    section: '4.5',
    clients: ['others'],
    quirk: 'serves its metadata document as some +json type, or as text',
    answer: 'JSON types are read; of others the page says which one it was',
    since: '0.1.0',
    hosted: [
      { url: document, type: 'application/cimd+json; charset=utf-8', body: hosted },
      { url: `${document}?text`, type: 'text/plain', body: { ...hosted, client_id: `${document}?text` } },
    ],
    steps: [
      visit(
        { ...asking, redirect_uri: 'http://localhost:1/callback' },
        { consent: ['published by tools.example.com'] },
      ),
      token(codeForm('http://localhost:1/callback')),
      visit(
        { ...asking, client_id: `${document}?text` },
        {
          page: 'client_document_invalid',
          says: ['its Content-Type is text/plain: serve it as application/json'],
        },
      ),
    ],
  },
  {
    id: 'one-id-for-all-installs',
    section: '4.5',
    clients: ['claude_code', 'vscode', 'codex'],
    quirk: 'has one client_id for every install there is, also for two of one person',
    answer: 'each approval is a connection of its own: another one ends none, and revoking one leaves the others',
    since: '0.1.0',
    hosted: [{ url: document, body: hosted }],
    steps: [
      visit({ ...asking, redirect_uri: 'http://localhost:1001/callback' }),
      token(codeForm('http://localhost:1001/callback'), { ...forServer, learn: { laptop: 'refresh_token' } }),
      visit({ ...asking, redirect_uri: 'http://localhost:1002/callback' }),
      token(codeForm('http://localhost:1002/callback'), { ...forServer, learn: { desktop: 'refresh_token' } }),
      token(refreshForm({ refresh_token: '{laptop}' }), { ...forServer, learn: { laptop: 'refresh_token' } }),
      revoke({ token: '{desktop}', client_id: '{client_id}' }),
      token(refreshForm({ refresh_token: '{desktop}' }), refused(400, 'invalid_grant', 'connection_revoked')),
      token(refreshForm({ refresh_token: '{laptop}' })),
    ],
  },
  {
    id: 'two-urls-in-one-id',
    section: '4.5',
    clients: ['vscode'],
    quirk: 'once sent two URLs with a space between them as its client_id',
    answer: 'a page says what such an id looks like, and nothing is fetched',
    since: '0.1.0',
    steps: [
      visit(
        { ...asking, client_id: `${document} https://vscode.dev/redirect` },
        { page: 'client_id_malformed', says: ['named by one https URL'] },
      ),
      visit(without(asking, 'client_id'), { page: 'client_id_missing' }),
    ],
  },
]
