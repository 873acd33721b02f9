/** `npm run ops -- <command>`: what operators do to a deployment, with the role mcp_operator and nothing more. */
import { runCommandLine } from './command-line.ts'
import { programSurroundings } from './program.ts'

process.exitCode = await runCommandLine(process.argv.slice(2), programSurroundings())
