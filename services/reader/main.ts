import { runService } from '../process.ts'
import { besideTopicCheck } from '../topic-check.ts'
import { startReader } from './start.ts'

await runService('reader', besideTopicCheck(startReader))
