import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RULES } from '../../../schemas/since.ts'
import { assertAccounts } from '../../../test/support/oracles/account-comparison.ts'
import { anyInbox } from '../../../test/support/records/inbox.ts'
import { SettlerLog } from '../../../test/support/records/settler-log.ts'
import { AccountModel } from './model.ts'
import type { Undecided } from '../undecided.ts'

test('the settler and the model come to the same, whatever stands in the inbox', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, async (input) => {
      const log = new SettlerLog(input)
      await log.run()
      const model = AccountModel.fromZero()
      model.since = [{ rules: RULES, offset: 0 }]
      for (const record of input) model.apply(record)
      assertAccounts(log.written(), model)
    }),
    { numRuns: 300 },
  )
})

/** The letters among a settler's rows that verify takes as facts. */
function undecidedOf(log: SettlerLog): Undecided {
  const letters = log.rows('dead_letters').filter(({ reasons }) => String(reasons) === 'cannot_be_decided')
  return new Map(letters.map(({ record_offset }) => [BigInt(String(record_offset)), new Set([-1])]))
}

test('the same where requests cannot be decided: their letters are facts, and the rest follows from them', async () => {
  let setAside = 0
  await fc.assert(
    fc.asyncProperty(anyInbox, fc.nat(2), async (input, which) => {
      const log = new SettlerLog(input, undefined, (name) => {
        if (Number.parseInt(name.slice(-1), 16) % 3 === which) throw new RangeError('no long')
      })
      await log.runSettingAside()
      const model = AccountModel.fromZero()
      model.since = [{ rules: RULES, offset: 0 }]
      model.undecided = undecidedOf(log)
      for (const record of input) model.apply(record)
      assertAccounts(log.written(), model)
      setAside += model.undecided.size
    }),
    { numRuns: 100 },
  )
  assert.ok(setAside > 50, `${setAside} requests were set aside`)
})
