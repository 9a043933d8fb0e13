import { runService } from '../process.ts'
import { afterTopicCheck } from '../topic-check.ts'
import { startLoader } from './start.ts'

await runService('loader', afterTopicCheck(startLoader))
