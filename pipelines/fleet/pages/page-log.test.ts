import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fleetPageCodec } from '../../../schemas/fleet/codecs.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { gatewayTick, scriptOf } from '../../../test/support/fleet/pages/one-worker.ts'
import { workersLog, workersOf } from '../../../test/support/fleet/pages/workers-log.ts'
import { batch, item, sample } from '../../../test/support/records/fleet-items.ts'
import { fleetRecord } from '../../../test/support/records/fleet-log.ts'
import { unpackedPage, PAGES_PER_TRANSACTION_MAX } from './page-log.ts'

const START_MS = Date.UTC(2026, 8, 9, 10)
const STATE = 'fleet.state'

/** A minute of ticks, then a sample each 30 s. */
function inputOf(minutes: number) {
  return Array.from({ length: minutes * 2 }, (_, n) => {
    const atMs = START_MS + n * 30 * SECOND_MS
    if (n % 2 === 0) return gatewayTick(n, atMs)
    return fleetRecord(n, atMs, {
      batch: batch([item({ sample: sample(atMs - SECOND_MS, { serial: 'S' }) })], { first_seq: n }),
    })
  })
}

const script = scriptOf('S', START_MS)

test('a page is written with the transaction that makes it, and then at most a minute of log time later', async () => {
  const log = workersLog(inputOf(20), script)
  await log.singles(40)
  const pages = log.values(STATE, '!page/p/0').map((value) => fleetPageCodec.decode(value))
  assert.equal(pages[0]?.through, 1)
  assert.ok(pages.length >= 20)
  for (const [n, { now, through }] of pages.entries()) {
    assert.ok(n === 0 || now - (pages[n - 1]?.now ?? 0) <= MINUTE_MS)
    assert.ok(n === 0 || through > (pages[n - 1]?.through ?? 0))
  }
})

test('a restart takes the input in again from the oldest page on, and writes nothing for it', async () => {
  const log = workersLog(inputOf(10), script)
  await log.singles(20)
  const position = Number(log.position)
  const written = log.committed.length
  log.restart()
  assert.ok(Number(log.position) < position)
  while (Number(log.position) < position) {
    const { appends } = await log.step(1)
    assert.deepEqual(appends, [])
  }
  assert.equal(log.committed.length, written + 1, 'the fence')
})

test('input that a page needs and that is gone is a halt', async () => {
  const log = workersLog(inputOf(12), script)
  await log.singles(20)
  log.input = log.input.slice(Number(log.position))
  assert.throws(() => log.restart(), { reason: 'input_deleted' })
})

test('a page that decides otherwise than was told is a halt', async () => {
  const log = workersLog(inputOf(10), script)
  await log.singles(20)
  const found = log.stateRecords.findLastIndex(({ key }) => key?.toString().startsWith('!face/'))
  log.stateRecords = log.stateRecords.filter(
    ({ key }, n) => n !== found && key?.toString() !== log.stateRecords[found]?.key?.toString(),
  )
  log.restart()
  await assert.rejects(log.run(), { reason: 'state_differs' })
})

test('a record that cannot be decided is taken by no page, also when it is taken in again', async () => {
  const input = inputOf(10)
  const aside = { offset: 17n, index: null, detail: 'a rule did not end' }
  const results = []
  for (const isCrashed of [false, true]) {
    const log = workersLog(input, script)
    await log.singles(17)
    await log.step(1, 'commit', [aside])
    if (isCrashed) log.restart()
    await log.run()
    results.push(workersOf(log))
  }
  assert.deepEqual(results[1], results[0])
  assert.ok(results[0]?.rows['dead_letters']?.[0]?.includes('cannot_be_decided'))
})

test(`many pages are written over several transactions, ${PAGES_PER_TRANSACTION_MAX} at a time`, async () => {
  const [first] = script.workers
  assert.ok(first !== undefined)
  const count = PAGES_PER_TRANSACTION_MAX + 5
  const workers = Array.from({ length: count }, (_, page) => {
    return { ...first, workerId: `w${page}`, place: { page, index: 0 }, serials: [] }
  })
  const log = workersLog(inputOf(6), { ...script, workers })
  const writtenBy = async (): Promise<number> => {
    const { appends } = await log.step(1)
    return appends.filter(({ key }) => key?.startsWith('!page/') === true).length
  }
  assert.equal(await writtenBy(), count, 'new ones are written at once')
  const counts: number[] = []
  while (Number(log.position) < log.input.length) counts.push(await writtenBy())
  assert.ok(counts.every((written) => written <= PAGES_PER_TRANSACTION_MAX))
  assert.ok(counts.reduce((sum, written) => sum + written, 0) >= 2 * count)
})

test('a page whose bytes are fewer than were packed is none', async () => {
  const log = workersLog(inputOf(2), script)
  await log.run()
  const [value] = log.values(STATE, '!page/p/0')
  assert.ok(value !== undefined)
  const record = fleetPageCodec.decode(value)
  assert.equal(unpackedPage(record).length, record.size)
  assert.throws(() => unpackedPage({ ...record, size: record.size + 1 }), /was written with/)
})
