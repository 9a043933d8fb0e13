import { followingLayout } from '../runtime/follow-layout.ts'
import { runService } from '../runtime/process.ts'
import { startFleet } from './start.ts'

await runService('fleet', followingLayout('fleet', startFleet))
