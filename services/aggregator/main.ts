import { followingLayout } from '../follow-layout.ts'
import { runService } from '../process.ts'
import { startAggregator } from './start.ts'

await runService('aggregator', followingLayout('aggregator', startAggregator))
