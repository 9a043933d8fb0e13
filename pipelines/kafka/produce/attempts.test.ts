import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Attempts, RETRY_PAUSE_MS, RETRY_PAUSE_MS_MAX } from './attempts.ts'
import type { Attempt, BatchOutcome } from './attempts.ts'
import type { PlaceAnswer, ProduceBatch } from './wire.ts'

const DEADLINE_MS = 10_000

const batchOf = (partition: number): ProduceBatch => ({
  topic: 'usage.metered',
  partition,
  producer: { producerId: 7n, epoch: 0 },
  transactionalId: null,
  baseSequence: 0,
  records: [{ key: null, value: Buffer.from(`${partition}`) }],
})

const answerOf = (batch: ProduceBatch, error: string | null = null): PlaceAnswer => ({
  topic: batch.topic,
  partition: batch.partition,
  error,
  baseOffset: 5n,
  logAppendTimeMs: 1_000,
})

const TAKEN: BatchOutcome = { is: 'acknowledged', baseOffset: 5n, logAppendTimeMs: 1_000 }

function opened(partitions: number) {
  const attempts = new Attempts()
  const outcomes: (BatchOutcome | undefined)[] = Array.from({ length: partitions }, () => undefined)
  const batches = outcomes.map((_, partition) => batchOf(partition))
  for (const [partition, batch] of batches.entries()) {
    attempts.add(batch, 0, DEADLINE_MS, (outcome) => {
      assert.equal(outcomes[partition], undefined, 'an outcome is told once')
      outcomes[partition] = outcome
    })
  }
  return { attempts, outcomes, batches }
}

/** Partition p is led by broker p. */
const own = ({ partition }: { partition: number }): number => partition

const only = (attempts: readonly Attempt[]): Attempt => {
  assert.equal(attempts.length, 1)
  return attempts[0] as Attempt
}

test('a retriable answer of one broker touches nothing that is under way at another', () => {
  const { attempts, outcomes, batches } = opened(2)
  const [first, second] = attempts.begin(0, own)
  assert.ok(first !== undefined && second !== undefined && batches[0] !== undefined)
  attempts.answered(first, [answerOf(batches[0], 'CONCURRENT_TRANSACTIONS')], 1)
  assert.deepEqual(attempts.begin(RETRY_PAUSE_MS, own), [], 'not before its pause')
  const again = only(attempts.begin(1 + RETRY_PAUSE_MS, own))
  assert.equal(again.batches[0], batches[0], 'the same batch, and no other')
  attempts.answered(
    second,
    second.batches.map((batch) => answerOf(batch)),
    100,
  )
  attempts.answered(
    again,
    again.batches.map((batch) => answerOf(batch)),
    101,
  )
  assert.deepEqual(outcomes, [TAKEN, TAKEN])
})

test('what a broker did not name is not done: it is sent again when leaders have been asked for', () => {
  const { attempts, outcomes } = opened(2)
  const together = only(attempts.begin(0, () => 1))
  assert.equal(together.batches.length, 2)
  attempts.answered(together, [answerOf(batchOf(0))], 1)
  assert.deepEqual(outcomes, [TAKEN, undefined])
  assert.deepEqual(
    attempts.begin(500, () => 2),
    [],
  )
  assert.deepEqual(attempts.leadersWanted(-1), ['usage.metered'])
  attempts.leadersHeard(['usage.metered'], 2, 3, () => 2)
  const again = only(attempts.begin(500, () => 2))
  assert.deepEqual([again.broker, again.batches.map(({ partition }) => partition)], [2, [1]])
})

test('leaders that were asked for before an answer came do not count after it', () => {
  const { attempts, batches } = opened(1)
  const attempt = only(attempts.begin(0, () => 1))
  attempts.answered(attempt, [answerOf(batches[0] as ProduceBatch, 'NOT_LEADER_FOR_PARTITION')], 10)
  attempts.leadersHeard(['usage.metered'], 9, 11, () => 1)
  assert.deepEqual(
    attempts.begin(500, () => 1),
    [],
  )
  attempts.leadersHeard(['usage.metered'], 10, 12, () => 2)
  assert.equal(only(attempts.begin(500, () => 2)).broker, 2)
})

test('a batch at a broker that no longer leads is given up there, and its late answer is not listened to', () => {
  const { attempts, outcomes, batches } = opened(1)
  const hung = only(attempts.begin(0, () => 1))
  assert.deepEqual(attempts.leadersWanted(-1), [])
  assert.deepEqual(attempts.leadersWanted(0), ['usage.metered'], 'one that is slow has its leader asked for')
  attempts.leadersHeard(['usage.metered'], 1_000, 1_001, () => 1)
  assert.deepEqual(
    attempts.begin(1_002, () => 1),
    [],
    'one attempt at a time',
  )
  attempts.leadersHeard(['usage.metered'], 2_000, 2_001, () => 2)
  const moved = only(attempts.begin(2_001, () => 2))
  assert.equal(moved.batches[0], batches[0])
  attempts.answered(hung, [answerOf(batches[0] as ProduceBatch)], 2_002)
  assert.deepEqual(outcomes, [undefined])
  attempts.answered(moved, [answerOf(batches[0] as ProduceBatch)], 2_003)
  assert.deepEqual(outcomes, [TAKEN])
})

test('past its deadline a batch is unknown, or not stored where nothing of it can have been', () => {
  const { attempts, outcomes, batches } = opened(4)
  const [underWay, refused, closed, unreached] = attempts.begin(0, own)
  assert.ok(underWay && refused && closed && unreached && batches[1])
  attempts.answered(refused, [answerOf(batches[1], 'NOT_ENOUGH_REPLICAS')], 1)
  attempts.unanswered(closed, true, 'closed', 1)
  attempts.unanswered(unreached, false, 'no connection', 1)
  attempts.expire(DEADLINE_MS - 1)
  assert.equal(attempts.size, 4)
  attempts.expire(DEADLINE_MS)
  assert.deepEqual(outcomes, [
    { is: 'unknown', error: 'its broker has not answered' },
    { is: 'not_stored', error: 'NOT_ENOUGH_REPLICAS' },
    { is: 'unknown', error: 'closed' },
    { is: 'not_stored', error: 'no connection' },
  ])
})

test('what no answer named may be stored, whatever the attempts after it come to', () => {
  const { attempts, outcomes } = opened(1)
  attempts.answered(only(attempts.begin(0, own)), [], 1)
  attempts.leadersHeard(['usage.metered'], 2, 3, own)
  attempts.unanswered(only(attempts.begin(1_000, own)), false, 'no connection', 1_001)
  attempts.expire(DEADLINE_MS)
  assert.deepEqual(outcomes, [{ is: 'unknown', error: 'no connection' }])
})

test('a refusal says that nothing was stored, but not of an attempt before it', () => {
  const { attempts, outcomes, batches } = opened(2)
  const [first, second] = attempts.begin(0, own)
  assert.ok(first && second && batches[0] && batches[1])
  attempts.answered(first, [answerOf(batches[0], 'MESSAGE_TOO_LARGE')], 1)
  attempts.answered(second, [answerOf(batches[1], 'REQUEST_TIMED_OUT')], 1)
  const again = only(attempts.begin(1_000, own))
  attempts.answered(again, [answerOf(batches[1], 'MESSAGE_TOO_LARGE')], 1_001)
  assert.deepEqual(outcomes, [
    { is: 'not_stored', error: 'MESSAGE_TOO_LARGE' },
    { is: 'unknown', error: 'MESSAGE_TOO_LARGE' },
  ])
})

test('an older epoch is fenced; numbers that the broker does not follow are unknown', () => {
  const { attempts, outcomes, batches } = opened(2)
  const [first, second] = attempts.begin(0, own)
  assert.ok(first && second && batches[0] && batches[1])
  attempts.answered(first, [answerOf(batches[0], 'INVALID_PRODUCER_EPOCH')], 1)
  attempts.answered(second, [answerOf(batches[1], 'OUT_OF_ORDER_SEQUENCE_NUMBER')], 1)
  assert.deepEqual(outcomes, [
    { is: 'fenced', error: 'INVALID_PRODUCER_EPOCH' },
    { is: 'unknown', error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' },
  ])
})

test('pauses double up to their bound', () => {
  const { attempts, batches } = opened(1)
  let nowMs = 0
  const pauses: number[] = []
  for (let attempt = 1; attempt <= 6; attempt++) {
    attempts.answered(
      only(attempts.begin(nowMs, own)),
      [answerOf(batches[0] as ProduceBatch, 'NOT_ENOUGH_REPLICAS')],
      nowMs,
    )
    const wakeMs = attempts.wakeAtMs() ?? 0
    pauses.push(wakeMs - nowMs)
    nowMs = wakeMs
  }
  assert.deepEqual(pauses, [RETRY_PAUSE_MS, 40, 80, 160, RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS_MAX])
})

test('whatever brokers answer and whoever leads: one attempt a batch, the same batch, done only when named', () => {
  const error = fc.constantFrom(
    null,
    'NOT_LEADER_FOR_PARTITION',
    'NOT_ENOUGH_REPLICAS',
    'REQUEST_TIMED_OUT',
    'CONCURRENT_TRANSACTIONS',
    'unnamed' as const,
  )
  const step = fc.oneof(
    fc.record({
      is: fc.constant('answer' as const),
      which: fc.nat(5),
      errors: fc.array(error, { minLength: 4, maxLength: 4 }),
    }),
    fc.record({ is: fc.constant('silence' as const), which: fc.nat(5), wasSent: fc.boolean() }),
    fc.record({ is: fc.constant('move' as const), partition: fc.nat(3), leader: fc.nat(2) }),
    fc.record({ is: fc.constant('leaders' as const) }),
    fc.record({ is: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 400 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { attempts, outcomes, batches } = opened(4)
      const leaders = [0, 1, 2, 0]
      const leaderOf = ({ partition }: { partition: number }): number => leaders[partition] ?? 0
      const named = new Set<number>()
      let underWay: Attempt[] = []
      let nowMs = 0
      for (const one of steps) {
        if (one.is === 'time') nowMs += one.ms
        if (one.is === 'move') leaders[one.partition] = one.leader
        if (one.is === 'leaders') {
          attempts.leadersHeard(['usage.metered'], nowMs, nowMs, leaderOf)
          // The attempt is given up where another broker leads now.
          underWay = underWay.flatMap((attempt) => {
            const kept = attempt.batches.filter((batch) => leaderOf(batch) === attempt.broker)
            return kept.length === 0 ? [] : [{ ...attempt, batches: kept }]
          })
        }
        const attempt = one.is === 'answer' || one.is === 'silence' ? underWay[one.which] : undefined
        if (attempt !== undefined) underWay = underWay.filter((other) => other !== attempt)
        if (attempt !== undefined && one.is === 'silence') {
          attempts.unanswered(attempt, one.wasSent, 'silence', nowMs)
        }
        if (attempt !== undefined && one.is === 'answer') {
          const answers = attempt.batches.flatMap((batch) => {
            const said = one.errors[batch.partition] ?? null
            if (said === null) named.add(batch.partition)
            return said === 'unnamed' ? [] : [answerOf(batch, said)]
          })
          attempts.answered(attempt, answers, nowMs)
        }
        for (const begun of attempts.begin(nowMs, leaderOf)) {
          for (const batch of begun.batches) {
            assert.equal(batch, batches[batch.partition], 'the same batch at every attempt')
            assert.ok(
              !underWay.some((other) => other.batches.includes(batch)),
              'one attempt of a batch at a time',
            )
            assert.ok(!named.has(batch.partition), 'nothing is sent again that was acknowledged')
          }
          underWay.push(begun)
        }
      }
      for (const [partition, outcome] of outcomes.entries()) {
        assert.equal(outcome?.is === 'acknowledged', named.has(partition))
      }
      attempts.expire(nowMs + DEADLINE_MS)
      assert.ok(
        outcomes.every((outcome) => outcome !== undefined),
        'each has an outcome by its deadline',
      )
      assert.equal(attempts.size, 0)
    }),
    { numRuns: 500 },
  )
})
