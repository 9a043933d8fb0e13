import { runService } from '../process.ts'
import { afterTopicCheck } from '../topic-check.ts'
import { startSettler } from './start.ts'

await runService('settler', afterTopicCheck(startSettler))
