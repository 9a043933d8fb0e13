import { runService } from '../process.ts'
import { startSettler } from './start.ts'

await runService('settler', startSettler)
