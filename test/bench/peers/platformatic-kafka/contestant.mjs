import { setTimeout as delay } from 'node:timers/promises'
import { Consumer, Producer } from '@platformatic/kafka'
import { systemClock } from '../../../../pipelines/clock.ts'
import { KafkaGroupConsumer } from '../../../../pipelines/kafka/kafkajs/group-consumer.ts'
import { IdempotentProducer } from '../../../../pipelines/kafka/producer.ts'
import { readPartition } from '../../../../pipelines/kafka/read.ts'
import { TransactionalWriter } from '../../../../pipelines/kafka/transaction.ts'
import { silentLogger } from '../../../../pipelines/logger.ts'
import { systemRandom } from '../../../../pipelines/random.ts'
import { usageEventsCodec } from '../../../../schemas/avro.ts'
import { bombOf } from '../../../support/records/bombs.ts'
import { appendBatch, batchOf } from '../../../support/records/packed-batch.ts'
import { API, KafkaProxy } from '../../../support/servers/kafka-proxy.ts'
import { report } from '../../harness/child-report.ts'
import { benchEvents } from '../../loads/events.ts'

// One role in a process of its own: `count` records, events or transactions by ours or theirs, or a probe.
const { role, brokers, topic, count, pack = 1, ...more } = JSON.parse(process.argv[2] ?? '{}')
const groupId = `${topic}-${process.pid}`
const names = { clientId: 'spike', groupId, transactionalId: topic, brokers, topics: [topic], topic }
const places = { clock: systemClock, random: systemRandom, logger: silentLogger, metrics: { count() {} } }
const bounds = { maxWaitTimeInMs: 100, maxBytes: 32 * 2 ** 20, maxBytesPerPartition: 2_000_000 }
const ours = { ...names, ...places, failpoint: async () => {}, partitions: undefined, partition: 0, bounds }
const theirs = { ...names, bootstrapBrokers: brokers, idempotent: true, ...more }
const reading = { topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100, ...bounds }
const done = Promise.withResolvers()
const began = { startedMs: 0, startCpu: process.cpuUsage() }
let seen = 0

function took(more) {
  if (seen === 0) Object.assign(began, { startedMs: performance.now(), startCpu: process.cpuUsage() })
  seen += more
  if (seen >= count) done.resolve()
}

/** Sends a hundred packed records, as the gateway does, or five thousand small ones, again and again. */
async function repeat(send, records = pack === 1 ? 5_000 : 100, worth = records * pack) {
  const events = [...benchEvents({ count: records * pack, partitions: 4, startMs: Date.now() })]
  const made = Array.from({ length: records }, (_, at) => {
    const packed = events.slice(at * pack, (at + 1) * pack).map(({ event }) => event)
    return { topic, partition: at % 4, key: null, value: usageEventsCodec.encode({ events: packed }) }
  })
  for (let round = 0; seen < count; round++) {
    await send(made)
    if (round >= 10) took(worth)
  }
}

const open = (changed) => new Producer({ ...theirs, ...changed })
const record = (text, other) => ({ topic, partition: 0, key: null, value: Buffer.from(text), ...other })
const texts = (records) => records.map(({ value }) => value.toString('latin1', 0, 99))
const said = (error) => [...new Set(error.errors?.map(said))].join(' + ') || (error.apiId ?? error.message)
const tried = (promise) => promise.then(() => 'done', said)
const weRead = async (more) => (await Array.fromAsync(readPartition({ ...ours, ...more }))).flat()

async function begun(producer, messages = [record('x')]) {
  const transaction = await producer.beginTransaction()
  return await transaction.send({ messages }).then(() => transaction)
}

/** What their consumer hands on before the record "end", or before the error with which it ends. */
async function theyRead(how) {
  const consumer = new Consumer({ ...theirs, groupId: `${topic}-${performance.now()}` })
  const stream = await consumer.consume({ ...reading, ...how })
  const [records, { promise, resolve }] = [[], Promise.withResolvers()]
  stream.on('data', (one) => (texts([one])[0] === 'end' ? resolve(records) : records.push(one)))
  stream.on('error', (error) => resolve([...records, record(said(error))]))
  return await promise
}

const ROLES = {
  'ours reads': () => {
    const nothing = { onAssigned() {}, onHeartbeat() {}, onFetched() {}, async beforeRebalance() {} }
    const onBatch = async (batch) => [took(batch.records.length), batch.resolve()]
    return new KafkaGroupConsumer(ours).start({ ...nothing, onBatch, onFailed: done.reject })
  },
  'theirs reads': async () => {
    const stream = await new Consumer(theirs).consume(reading)
    stream.on('data', () => took(1)).on('error', done.reject)
  },
  'ours writes': (own = new IdempotentProducer(ours)) => repeat((records) => own.append(records)),
  'theirs writes': (other = open()) => repeat((messages) => other.send({ messages })),
  'ours commits': (own = new TransactionalWriter(ours)) => repeat((records) => own.commit(records), 2, 1),
  'theirs commits': (other = open()) => repeat(async (sent) => (await begun(other, sent)).commit(), 2, 1),
  fencing: async () => {
    const [old, ends] = [open(), []]
    const told = open({ producerId: -1n, producerEpoch: -1 })
    // A broker gives out producer 0 first, and that is the one which theirs names unless it is told.
    for (const one of [open({ transactionalId: 'first' }), old, open(), old, told, old, old])
      ends.push(await tried(begun(one).then((transaction) => transaction.commit())))
    return { 'first, old, newer, old, newer told -1, old, old': ends }
  },
  aborted: async () => {
    const producer = open()
    for (const end of ['abort', 'abort', 'commit']) await (await begun(producer, [record(end)]))[end]()
    await (await begun(producer, [record('end')])).commit()
    const small = { maxBytes: 99, maxBytesPerPartition: 99 }
    const [own, one, few] = [await weRead(), await theyRead(), await theyRead(small)].map(texts)
    return { ours: own, theirs: one, 'theirs in small fetches': few }
  },
  time: async () => {
    await open().send({ messages: [record('x', { timestamp: 86_400_000n }), record('end')] })
    return { ours: (await weRead())[0].timestampMs, theirs: Number((await theyRead())[0].timestamp) }
  },
  retry: async () => {
    const [proxy, pauses] = [await KafkaProxy.start(brokers, [26_946]), []]
    const retryDelay = () => pauses.shift() ?? 100
    const producer = open({ bootstrapBrokers: proxy.brokers, retries: 50, retryDelay })
    const beside = (text) => record(text, { partition: 1 })
    await producer.send({ messages: [record('1'), beside('1')] })
    pauses.push(2_000)
    // The connection ends before the broker sees the second send.
    proxy.onRequest = ({ api }) => (api === API.produce && pauses.length > 0 ? 'cut' : 'pass')
    const second = producer.send({ messages: [beside('2')] })
    await delay(500)
    const told = await tried(producer.send({ messages: [record('3'), beside('3')] }))
    await second
    return { told, log: texts(await weRead()), beside: texts(await weRead({ partition: 1 })) }
  },
  outcomes: async () => {
    const messages = [record('small'), record(Buffer.alloc(2 ** 24), { partition: 1 })]
    const they = await tried(open().send({ messages }))
    const stored = texts(await weRead())
    const own = await Promise.allSettled(new IdempotentProducer(ours).appendEach(messages).values())
    return { stored, theirs: they, ours: own.map(({ status }) => status) }
  },
  assigner: async () => {
    const own = new Consumer({ ...theirs, partitionAssigner: () => [] })
    await own.consume(reading)
    return own.assignments
  },
  bomb: async () => {
    const packed = await bombOf('zstd', 400 * 2 ** 20)
    await appendBatch(brokers[0], topic, 0, batchOf('zstd', packed, 1, 0))
    await open().send({ messages: [record('end')] })
    const [{ value }] = await theyRead()
    return { packed: packed.length, value: value.length, 'most kB': process.resourceUsage().maxRSS }
  },
}

const told = await ROLES[role]()
if (told === undefined) await done.promise.then(() => report({ ...began, events: count, detail: {} }))
else console.log(JSON.stringify({ [role]: told }))
process.exit(0)
