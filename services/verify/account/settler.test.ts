import { test } from 'node:test'
import * as fc from 'fast-check'
import { assertAccounts } from '../../../test/support/account-comparison.ts'
import { anyInbox } from '../../../test/support/inbox.ts'
import { SettlerLog } from '../../../test/support/settler-log.ts'
import { AccountModel } from './model.ts'

test('the settler and the model come to the same, whatever stands in the inbox', async () => {
  await fc.assert(
    fc.asyncProperty(anyInbox, async (input) => {
      const log = new SettlerLog(input)
      await log.run()
      const model = AccountModel.fromZero()
      for (const record of input) model.apply(record)
      assertAccounts({ rows: (table) => log.rows(table), accounts: log.accounts() }, model)
    }),
    { numRuns: 300 },
  )
})
