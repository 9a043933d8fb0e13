import { runService } from '../process.ts'
import { startAggregator } from './start.ts'

await runService('aggregator', startAggregator)
