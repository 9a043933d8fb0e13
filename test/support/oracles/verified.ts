import assert from 'node:assert/strict'
import type { Installation } from '../processes/installation.ts'

/**
 * Runs the program of `npm run verify`: everything is computed again from the logs with code of its own. Fails unless it
 * ends with 0 and "0 differences"; returns its last line.
 */
export async function verified(installation: Installation): Promise<string> {
  const { exitCode, output } = await installation.command('verify')
  assert.equal(exitCode, 0, `verify ended with ${exitCode}:\n${output}`)
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  assert.match(
    last,
    /^0 differences in \d+ windows, \d+ costs, \d+ accounts, \d+ wallets, \d+ items of fleets, \d+ samples, \d+ nodes of fleets, \d+ commands of inventories, \d+ rows of workers, \d+ changes of status$/,
  )
  return last
}
