import { runService } from '../process.ts'
import { afterTopicCheck } from '../topic-check.ts'
import { startAggregator } from './start.ts'

await runService('aggregator', afterTopicCheck(startAggregator))
