import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import { acceptBatch } from '../../pipelines/fleet/accept/accept-batch.ts'
import { acceptItem, refusedItem } from '../../pipelines/fleet/accept/accept-item.ts'
import { nearestLong } from '../../pipelines/fleet/accept/packed/rejudge.ts'
import { Refusal } from '../../pipelines/json/refusal.ts'
import { avroType, FRAME_BYTES } from '../../schemas/avro.ts'
import { workerTelemetryCodec } from '../../schemas/fleet/codecs.ts'
import type { WorkerTelemetry } from '../../schemas/fleet/records.ts'
import { encodedItem } from '../../services/gateway/fleet/batch-records.ts'
import { sentPacked } from '../../services/gateway/fleet/sent-batch.ts'
import { Problem } from '../../services/http/problem.ts'
import { batch, item, poll, report, sample } from '../support/records/fleet-items.ts'
import { jsonItem } from '../support/records/sent-telemetry.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const rates = { ...sample(0).hashrate_hs, now: 5, _5m: 0 }

/** Every kind of field has a value, and stands once more as null. */
const RECORDS = [
  item({
    sample: sample(NOW, {
      mac: '02:00:00:00:00:0A',
      device_time: NOW - 1,
      hashrate_hs: rates,
      secondary: [{ algorithm: 'x', hashrate_hs: rates, shares: { ...sample(0).shares, accepted: 70 } }],
      power_w: 3_310.5,
      power_source: 'miner',
      fans: [{ index: 1, rpm: 5_400, pct: null }],
      is_mining: true,
      errors: [{ vendor_code: 'E1', component: 'fan', slot: 2, message: null, first_seen: NOW }],
      warnings: ['gap'],
    }),
  }),
  item({ poll: poll(NOW) }),
  item({ report: report(NOW, { model: 'M', pools: [{ index: 0, url: null, user: 'u' }] }) }),
].map((one) => workerTelemetryCodec.encode(batch([one], { complete: [{ from: 1, to: 2 }] })))

/** Bytes of each sign and length in Avro's encoding, among them those just outside of every enumeration and union. */
const BYTES = [...Array(18).keys(), 0x7f, 0x80, 0x81, 0xff]

const lenient = avroType('worker-telemetry.v1', { long: nearestLong })
assert.ok(lenient instanceof avsc.types.RecordType)

interface Judged {
  readonly head: unknown
  readonly items: readonly Buffer[]
  readonly refused: readonly (readonly [index: number, code: string, path: string])[]
}

/** By avsc, and then the way that JSON goes. */
function byDecoder(value: Buffer): Judged | 'unreadable' | 'refused' | 'not_text' {
  let decoded: WorkerTelemetry
  try {
    decoded = lenient.fromBuffer(value.subarray(FRAME_BYTES)) as WorkerTelemetry
  } catch {
    return 'unreadable'
  }
  if (JSON.stringify(decoded).includes('\ufffd')) return 'not_text'
  const { items, ...rest } = decoded
  const head = acceptBatch({
    ...rest,
    low: { ...rest.low },
    complete: rest.complete.map(({ from, to }) => ({ from, to })),
    items: [],
  })
  if (head instanceof Refusal) return 'refused'
  const judged = items.map((one) => acceptItem(jsonItem({ ...one }), NOW))
  return {
    head,
    items: judged.map((one) => encodedItem(one instanceof Refusal ? refusedItem(one) : one)),
    refused: judged.flatMap((one, index) =>
      one instanceof Refusal ? [[index, one.code, one.path] as const] : [],
    ),
  }
}

async function byWalk(value: Buffer): Promise<Judged | 'unreadable' | 'refused'> {
  try {
    const { head, judge } = sentPacked(value, async () => {})
    const { items, refused } = await judge(NOW)
    return { head, items, refused: refused.map(({ index, code, path }) => [index, code, path] as const) }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return error.code === 'invalid_request' ? 'refused' : 'unreadable'
  }
}

test('whatever byte of a packed batch is another one, the walk takes what the decoder takes, and as it takes it', async () => {
  const met = { same: 0, refused: 0, unreadable: 0, not_text: 0 }
  for (const record of RECORDS) {
    for (let at = FRAME_BYTES; at < record.length; at++) {
      for (const byte of BYTES) {
        const value = Buffer.from(record)
        value[at] = byte
        const expected = byDecoder(value)
        const found = await byWalk(value)
        const what = `byte ${at} as ${byte} in ${record.toString('hex')}`
        if (expected === 'not_text') assert.equal(found, 'unreadable', what)
        // What the batch says of itself is read before its items.
        else if (expected === 'unreadable') assert.ok(found === expected || found === 'refused', what)
        else assert.deepEqual(found, expected, what)
        met[typeof expected === 'string' ? expected : 'same']++
      }
    }
  }
  for (const count of Object.values(met)) assert.ok(count > 50, JSON.stringify(met))
})
