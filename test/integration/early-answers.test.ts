import { test } from 'node:test'
import { startEarlyAnswers } from '../support/processes/early-answers.ts'
import { nodeFetch, urllib } from '../support/processes/foreign-clients.ts'

// Answers that are given before the body has come, over real connections, to clients from outside of this project.

test("an early refusal reaches Node's fetch", async () => {
  await using early = await startEarlyAnswers()
  await early.isTold(nodeFetch)
})

test("an early refusal reaches Python's urllib, which sends everything before it listens", async () => {
  await using early = await startEarlyAnswers()
  await early.isTold(urllib)
})
