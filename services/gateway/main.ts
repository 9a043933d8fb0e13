import { runService } from '../process.ts'
import { besideTopicCheck } from '../topic-check.ts'
import { startGateway } from './start.ts'

await runService('gateway', besideTopicCheck(startGateway))
