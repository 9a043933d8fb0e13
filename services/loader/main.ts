import { followingLayout } from '../runtime/follow-layout.ts'
import { runService } from '../runtime/process.ts'
import { startLoader } from './start.ts'

await runService('loader', followingLayout('loader', startLoader))
