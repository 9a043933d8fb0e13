import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerText, writeList } from './written-list.ts'

test('an answer around a written list is what JSON.stringify makes of it, written a part a turn', async () => {
  for (const count of [0, 1, 499, 500, 501, 1_200]) {
    let pauses = 0
    const list = Array.from({ length: count }, (_, index) => ({
      index,
      path: '"',
      detail: undefined,
      no: null,
    }))
    const written = await writeList(list, async () => {
      pauses += 1
    })
    const around = { accepted: 3, left: undefined, 'a "name"': [1, 'é'], none: null }
    assert.equal(
      answerText({ ...around, rejected: written, end: 'x' }),
      JSON.stringify({ ...around, rejected: list, end: 'x' }),
    )
    assert.equal(pauses, Math.max(0, Math.ceil(count / 500) - 1))
  }
})
