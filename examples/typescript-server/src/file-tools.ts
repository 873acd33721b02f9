import { type CallToolResult, createMcpHandler, type McpHttpHandler, McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { FileRefused } from './file-name.ts'
import type { SharedFolder } from './shared-folder.ts'

const fileName = z.string().describe('Name of the file, relative to the shared folder, for example notes/today.txt')

/**
 * The MCP server: one for each request, so nothing is kept between requests. It speaks 2026-07-28, and 2025-11-25 and
 * 2025-06-18 to older clients. Who may call which tool is decided before a request gets here.
 */
export function createFileTools(folder: SharedFolder, maxBodyBytes: number): McpHttpHandler {
  return createMcpHandler(() => buildServer(folder), { maxRequestBodySize: maxBodyBytes })
}

function buildServer(folder: SharedFolder): McpServer {
  const server = new McpServer({ name: 'auth-agent-example-files', version: '0.1.0' })
  addReading(server, folder)
  addChanging(server, folder)
  return server
}

const named = z.object({ name: fileName })

function addReading(server: McpServer, folder: SharedFolder): void {
  const reading = { annotations: { readOnlyHint: true } }

  const list = { ...reading, title: 'List files', description: 'Lists the files in the shared folder.' }
  server.registerTool('list_files', list, () =>
    answer(async () => {
      const files = await folder.list()
      return files.map((file) => `${file.name} (${file.size_bytes} bytes)`).join('\n') || 'The folder is empty.'
    }),
  )

  const read = { ...reading, title: 'Read a file', description: 'Reads a text file of the shared folder.' }
  server.registerTool('read_file', { ...read, inputSchema: named }, ({ name }) => answer(() => folder.read(name)))
}

function addChanging(server: McpServer, folder: SharedFolder): void {
  const write = { title: 'Write a file', description: 'Writes a text file into the shared folder, or replaces one.' }
  const written = named.extend({ text: z.string().describe('The whole new text of the file') })
  server.registerTool('write_file', { ...write, inputSchema: written }, ({ name, text }) =>
    answer(async () => {
      await folder.write(name, text)
      return `Wrote ${name}.`
    }),
  )

  const deleting = { annotations: { destructiveHint: true, idempotentHint: true } }
  const remove = { ...deleting, title: 'Delete a file', description: 'Deletes a file of the shared folder.' }
  server.registerTool('delete_file', { ...remove, inputSchema: named }, ({ name }) =>
    answer(async () => {
      await folder.delete(name)
      return `Deleted ${name}.`
    }),
  )
}

/** A refusal is written for the model that asked; anything else stays in our log, since it may name our paths. */
async function answer(act: () => Promise<string>): Promise<CallToolResult> {
  try {
    return { content: [{ type: 'text', text: await act() }] }
  } catch (error) {
    if (!(error instanceof FileRefused)) console.error(error)
    const text = error instanceof FileRefused ? error.message : 'Something went wrong on the server.'
    return { content: [{ type: 'text', text }], isError: true }
  }
}
