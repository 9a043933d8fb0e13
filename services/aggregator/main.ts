import { followingLayout } from '../runtime/follow-layout.ts'
import { runService } from '../runtime/process.ts'
import { startAggregator } from './start.ts'

await runService('aggregator', followingLayout('aggregator', startAggregator))
