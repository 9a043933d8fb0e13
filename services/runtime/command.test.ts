import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../pipelines/clock.ts'
import { aclsOf } from '../../schemas/rights.ts'

const MIGRATE = fileURLToPath(new URL('../migrate/main.ts', import.meta.url))
/** Makes each line long: together they are more than the kernel holds between two processes. */
const PATTERN = `User:CN={service},O=${'long '.repeat(400)}`
const READER_SLEEPS_MS = 1_500

test('a reader that is slow gets every line of a command', async () => {
  const child = spawn(process.execPath, [MIGRATE, '--acls', '--principal-pattern', PATTERN], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {},
  })
  const ended = once(child, 'close')
  await systemClock.delay(READER_SLEEPS_MS)
  let output = ''
  for await (const data of child.stdout as AsyncIterable<Buffer>) output += data.toString()
  const [exitCode] = await ended
  assert.equal(exitCode, 0)
  const count = aclsOf('', PATTERN).length
  assert.equal(output.split('\n').length, count + 2)
  assert(output.endsWith('nothing was changed.\n'), output.slice(-300))
})
