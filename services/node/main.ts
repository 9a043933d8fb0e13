import { runCommand } from '../runtime/command.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import type { ExitCode } from '../runtime/exit.ts'
import { normaliseFile } from './normalise-file.ts'

const USAGE = 'Usage: npm run --silent node -- --normalise FILE'

await runCommand(
  { name: 'node', usage: USAGE, options: { normalise: { type: 'string' } } },
  ({ values, say }): Promise<ExitCode> => {
    if (values.normalise === undefined) throw new ExitError(EXIT.usage, `Nothing to do. ${USAGE}`)
    say(normaliseFile(values.normalise))
    return Promise.resolve(EXIT.ok)
  },
)
