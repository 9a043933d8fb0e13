import { runService } from '../process.ts'
import { startReader } from './start.ts'

await runService('reader', startReader)
