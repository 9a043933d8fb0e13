import { followingLayout } from '../follow-layout.ts'
import { runService } from '../process.ts'
import { startLoader } from './start.ts'

await runService('loader', followingLayout('loader', startLoader))
