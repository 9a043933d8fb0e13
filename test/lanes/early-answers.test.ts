import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startEarlyAnswers } from '../support/processes/early-answers.ts'
import { goClient } from '../support/processes/foreign-clients.ts'

// This is a lane: where Go has never compiled net/http, it takes most of a minute.

test("an early refusal reaches Go's net/http, whether it would keep the connection or not", async (t) => {
  await using stack = new AsyncDisposableStack()
  const found = await goClient(stack)
  if ('missing' in found) {
    assert.notEqual(process.env['CI'], 'true', found.missing)
    t.skip(found.missing)
    return
  }
  const early = stack.use(await startEarlyAnswers())
  await early.isTold(found.client)
  await early.isTold(found.client, { connection: 'close' })
})
