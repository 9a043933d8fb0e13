import { followingLayout } from '../follow-layout.ts'
import { runService } from '../process.ts'
import { startReader } from './start.ts'

await runService('reader', followingLayout('reader', startReader))
