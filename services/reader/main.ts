import { followingLayout } from '../runtime/follow-layout.ts'
import { runService } from '../runtime/process.ts'
import { startReader } from './start.ts'

await runService('reader', followingLayout('reader', startReader))
