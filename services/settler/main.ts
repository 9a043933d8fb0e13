import { followingLayout } from '../runtime/follow-layout.ts'
import { runService } from '../runtime/process.ts'
import { startSettler } from './start.ts'

await runService('settler', followingLayout('settler', startSettler))
