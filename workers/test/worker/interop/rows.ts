import type { Row } from './row.ts'
import { browserRows } from './rows-browsers.ts'
import { discoveryRows } from './rows-discovery.ts'
import { documentRows } from './rows-documents.ts'
import { errorRows } from './rows-errors.ts'
import { loopbackRows } from './rows-loopback.ts'
import { packageRows } from './rows-packages.ts'
import { redirectRows } from './rows-redirects.ts'
import { registrationRows } from './rows-registration.ts'
import { resourceRows } from './rows-resource.ts'
import { scopeRows } from './rows-scopes.ts'
import { tokenRows } from './rows-tokens.ts'

/** Every habit of a client that this server is tested against, in the order of INTEROP. */
export const rows: readonly Row[] = [
  ...discoveryRows,
  ...resourceRows,
  ...scopeRows,
  ...loopbackRows,
  ...documentRows,
  ...redirectRows,
  ...registrationRows,
  ...tokenRows,
  ...errorRows,
  ...browserRows,
  ...packageRows,
]
