/** Every revision of the specification that the suite knows. */
export const revisions = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const
export type Revision = (typeof revisions)[number]

/** Scenarios that what stands before an MCP server could spoil, with the number of checks that succeed. */
export const succeeding: Readonly<Record<Revision, Readonly<Record<string, number>>>> = {
  '2025-03-26': {},
  '2025-06-18': { 'server-initialize': 2, ping: 2, 'tools-list': 2 },
  '2025-11-25': { 'server-initialize': 2, ping: 2, 'tools-list': 3, 'dns-rebinding-protection': 2 },
  '2026-07-28': {
    'server-stateless': 24,
    'tools-list': 4,
    'dns-rebinding-protection': 2,
    'http-header-validation': 14,
    'server-sse-multiple-streams': 1,
  },
}

/** What a check says that found no such tool or method in the example: a gap named `mcp-2026-07-suite-features`. */
export const lacksFeature = /Method not found|Tool \S+ not found|^Not testable: /

/** The other checks that do not succeed, each under the requirement whose gap says why. */
export const excused: Readonly<Record<Revision, Readonly<Record<string, readonly string[]>>>> = {
  '2025-03-26': {},
  '2025-06-18': {},
  '2025-11-25': {
    'mcp-2025-11-suite-resumable-streams': [
      'server-sse-multiple-streams-session',
      'server-sse-polling-session',
      'server-sse-priming-event',
      'server-sse-retry-field',
    ],
  },
  '2026-07-28': {
    'mcp-2026-07-suite-features': [
      'sep-2164-data-uri',
      'sep-2164-error-code',
      'sep-2322-missing-response-rerequests',
      'sep-2322-multi-round-r1',
      'sep-2322-reject-tampered-state',
      'sep-2549-resources-read-caching-hints',
      'sep-2575-server-sends-prompts-list-changed-on-subscription',
    ],
    'mcp-2026-07-suite-list-changed': ['sep-2575-server-sends-tools-list-changed-on-subscription'],
  },
}
