import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Problems } from './problems.ts'

it('shows fifty problems of a kind and counts the rest, however many a line stands for', () => {
  const problems = new Problems()
  for (let number = 0; number < 53; number++) problems.add('ghost', `event ${number}`)
  problems.add('paid twice', 'a settlement that stands twice', 3)
  problems.compare('window', 'a sum', 5n, '5')
  const lines = problems.lines()
  assert.deepEqual(
    [lines[0], lines[1], lines.at(-1)],
    ['paid twice: a settlement that stands twice', 'ghost: event 0', 'ghost: and 3 more'],
  )
  assert.equal(lines.length, 52)
  assert.deepEqual([problems.count('paid twice'), problems.differences, problems.isClean], [3, 53, false])
  assert.ok(new Problems().isClean)
})
