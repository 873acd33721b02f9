// Writes workers/src/protocol/openapi.json: the document of the management API. With --check it only compares.
import { join } from 'node:path'
import { writeOrCheck } from 'auth-agent-mcp-local/scripts/generated-file.ts'
import { openApiDocument } from '../openapi/document.ts'

const text = `${JSON.stringify(openApiDocument())}\n`
await writeOrCheck(
  join(import.meta.dirname, '../src/protocol/openapi.json'),
  text,
  'node workers/scripts/build-openapi.ts',
)
