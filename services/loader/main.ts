import { runService } from '../process.ts'
import { startLoader } from './start.ts'

await runService('loader', startLoader)
