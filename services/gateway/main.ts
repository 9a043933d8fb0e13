import { runService } from '../process.ts'
import { startGateway } from './start.ts'

await runService('gateway', startGateway)
