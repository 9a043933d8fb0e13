import { followingLayout } from '../runtime/follow-layout.ts'
import { runService } from '../runtime/process.ts'
import { startGateway } from './start.ts'

await runService('gateway', followingLayout('gateway', startGateway))
