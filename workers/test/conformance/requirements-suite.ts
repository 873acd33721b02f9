import { of, type Requirement } from './requirement.ts'

const july = of('mcp-2026-07-suite', 'MCP 2026-07-28,')
const november = of('mcp-2025-11-suite', 'MCP 2025-11-25,')

/** What the official suite looks for in an MCP server beyond authorization, and does not find in the example. */
export const suiteRequirements: readonly Requirement[] = [
  july.may(
    'features',
    'Capability Negotiation',
    'Every feature that a server may have is there to be checked.',
    'the example declares tools alone; prompts, resources, completion, logging, sampling and elicitation are optional',
  ),
  july.should(
    'list-changed',
    'Tools, List Changed Notification',
    'Open subscriptions are told when the tools change.',
    'the tools of the example never change; the suite would change them by a tool of its own reference server',
  ),
  november.may(
    'resumable-streams',
    'Transports, Resumability and Redelivery',
    'Sessions and streams can be resumed.',
    'the example keeps no session and answers each call at once; sessions, event ids and retry are optional',
  ),
]
