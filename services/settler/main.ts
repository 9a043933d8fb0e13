import { followingLayout } from '../follow-layout.ts'
import { runService } from '../process.ts'
import { startSettler } from './start.ts'

await runService('settler', followingLayout('settler', startSettler))
