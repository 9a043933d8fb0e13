import { writeSync } from 'node:fs'
import { systemClock } from '../../pipelines/clock.ts'
import type { TopicAppend } from '../../pipelines/kafka/records.ts'
import { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { startAggregator } from '../../services/aggregator/start.ts'
import { runService } from '../../services/process.ts'
import { startSettler } from '../../services/settler/start.ts'

/**
 * The aggregator or the settler as their own `main.ts` start them, but for two things: on file descriptor 3 it says when
 * a transaction begins and when its commit is acknowledged, and told `die <ms>` on standard input it ends by kill -9
 * that long after the next begin. It aims itself, because a transaction is over before a test could hear of it.
 */
const REPORT_FD = 3

let dieAfterMs: number | undefined

/** Written at once: what a process has written into a pipe outlives its kill -9. */
function say(what: 'begin' | 'commit', [first]: readonly TopicAppend[]): void {
  writeSync(REPORT_FD, `${what} ${first?.partition ?? -1}\n`)
}

async function die(afterMs: number): Promise<void> {
  await systemClock.delay(afterMs)
  process.kill(process.pid, 'SIGKILL')
}

/** Puts itself around the one method that opens and ends a transaction. */
function announceTransactions(): void {
  const real = Object.getOwnPropertyDescriptor(TransactionalWriter.prototype, 'commit')
  const commit = real?.value as (
    this: TransactionalWriter,
    records: readonly TopicAppend[],
  ) => Promise<bigint[]>
  TransactionalWriter.prototype.commit = async function announced(records) {
    say('begin', records)
    if (dieAfterMs !== undefined) void die(dieAfterMs)
    dieAfterMs = undefined
    const offsets = await commit.call(this, records)
    say('commit', records)
    return offsets
  }
}

process.stdin.on('data', (data: Buffer) => {
  const [, afterMs] = /^die (\d+)$/m.exec(data.toString()) ?? []
  if (afterMs !== undefined) dieAfterMs = Number(afterMs)
})
announceTransactions()
const [name] = process.argv.splice(2, 1)
if (name === 'aggregator') await runService(name, startAggregator)
else if (name === 'settler') await runService(name, startSettler)
else throw new Error(`no service is announced as ${name}`)
