/** `npm run deploy -- <environment>`: from an empty project to a live server, or from one version to the next. */
import { programSurroundings } from '../operations/program.ts'
import { runDeploy } from './run-deploy.ts'

process.exitCode = await runDeploy(process.argv.slice(2), programSurroundings())
