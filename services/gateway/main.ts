import { followingLayout } from '../follow-layout.ts'
import { runService } from '../process.ts'
import { startGateway } from './start.ts'

await runService('gateway', followingLayout('gateway', startGateway))
