import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { answersMetadata } from '../../infra/local/kafka/ready.ts'
import { startKafka } from '../../infra/local/kafka/start.ts'
import { isRunning, markProcess } from '../../infra/local/run-file.ts'
import { systemClock } from '../../pipelines/clock.ts'

const PORT = 26_940
const CONTROLLER_PORT = 26_941
const ENDS_WITHIN_MS = 10_000
const POLL_MS = 50

const START = new URL('../../infra/local/kafka/start.ts', import.meta.url).href

describe('the local Kafka', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'hivemeter-kafka-'))
  const options = { dataDir, port: PORT, controllerPort: CONTROLLER_PORT }
  const clusterId = () => readFileSync(join(dataDir, 'kafka', 'data', 'meta.properties'), 'utf8')
  after(() => rmSync(dataDir, { recursive: true, force: true }))

  it('starts, stops cleanly, and takes over its data after kill -9', async () => {
    const first = await startKafka(options)
    const made = clusterId()
    assert(await answersMetadata(PORT))
    await first.stop()
    assert.equal(await answersMetadata(PORT), false)

    const second = await startKafka(options)
    await second.kill()
    assert.deepEqual(await second.exited, { code: 137, signal: null })

    const third = await startKafka(options)
    assert(await answersMetadata(PORT))
    assert.equal(clusterId(), made)
    await third.stop()
  })

  it('ends when the process that started it is killed', async () => {
    const script = `import { startKafka } from ${JSON.stringify(START)}
      const kafka = await startKafka(${JSON.stringify(options)})
      process.stdout.write(String(kafka.pid))
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = Number(
      await new Promise<string>((resolve, reject) => {
        parent.stdout.once('data', (data: Buffer) => resolve(data.toString()))
        parent.once('exit', (code) => reject(new Error(`the parent ended with ${code} before its Kafka ran`)))
      }),
    )
    const broker = markProcess('Kafka', pid)
    assert(isRunning(broker))
    parent.kill('SIGKILL')
    const deadlineMs = systemClock.monotonicMs() + ENDS_WITHIN_MS
    while (isRunning(broker) && systemClock.monotonicMs() < deadlineMs) await systemClock.delay(POLL_MS)
    assert.equal(isRunning(broker), false, `process ${pid} is still there after ${ENDS_WITHIN_MS} ms`)
  })

  it('gives a start up when asked to', async () => {
    const abort = new AbortController()
    const starting = startKafka({ ...options, signal: abort.signal })
    abort.abort()
    await assert.rejects(starting, /was given up/)
    assert.equal(await answersMetadata(PORT), false)
  })
})
