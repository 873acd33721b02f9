import type { Requirement } from './requirement.ts'
import { clientRequirements } from './requirements-clients.ts'
import { mcpRequirements } from './requirements-mcp.ts'
import { oauthRequirements } from './requirements-oauth.ts'
import { suiteRequirements } from './requirements-suite.ts'
import { tokenRequirements } from './requirements-tokens.ts'

/** Every requirement once. A test that proves one carries its `[id]`; one without a test needs a `gap` with a reason. */
export const requirements: readonly Requirement[] = [
  ...mcpRequirements,
  ...oauthRequirements,
  ...tokenRequirements,
  ...clientRequirements,
  ...suiteRequirements,
]
