import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { acceptBatch } from '../../../pipelines/fleet/accept/accept-batch.ts'
import { acceptItem, refusedItem } from '../../../pipelines/fleet/accept/accept-item.ts'
import type { LoopTurns } from '../../../pipelines/in-turns.ts'
import { readObjectWithItems } from '../../../pipelines/json/json-member.ts'
import type { JsonItems } from '../../../pipelines/json/json-items.ts'
import { Refusal } from '../../../pipelines/json/refusal.ts'
import { BATCH_BYTES_MAX, BATCH_ITEMS_MAX, ITEM_BYTES_MAX } from '../../../schemas/fleet/bounds.ts'
import type { FleetItem } from '../../../schemas/fleet/records.ts'
import { POST_TELEMETRY_SCHEMA } from '../../../schemas/http/fleet.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import type { RefusalCode } from '../../../schemas/reasons.ts'
import type { AuditSink } from '../../audit/audit-log.ts'
import { noRoom } from '../../http/arrival.ts'
import type { Bodies } from '../../http/bodies.ts'
import { Problem, unsupportedMediaType } from '../../http/problem.ts'
import { Shares } from '../../http/shares.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import type { Unpacker } from '../body.ts'
import { WAITING_BYTES_MAX } from '../queue/record-queue.ts'
import type { RecordQueue } from '../queue/record-queue.ts'
import { recordsOf } from './batch-records.ts'
import type { FleetRecord } from './fleet-queue.ts'
import { invalidBody, logAway, requireTaken } from './fleet-problems.ts'
import { requireOwnNode } from './own-node.ts'

/** Items that are judged before other requests get a turn. */
const ITEMS_PER_TURN = 100

export interface FleetRouteParts {
  readonly queue: RecordQueue<FleetRecord>
  readonly metrics: Metrics
  readonly bodies: Bodies
  readonly unpacker: Unpacker
  /** For bodies that take long. */
  readonly turns: LoopTurns
  readonly audit: AuditSink
}

interface RefusedItem {
  readonly index: number
  readonly code: RefusalCode
  readonly path: string
  readonly detail: string
}

/** POST /v1/fleet/telemetry: a batch of one node, answered once the log has it. */
export function telemetryRoute(app: FastifyInstance, parts: FleetRouteParts): void {
  const { queue, metrics, bodies, unpacker, turns, audit } = parts
  // Shares of what the queue holds, so that no credential fills it alone.
  const waitingBytes = new Shares(WAITING_BYTES_MAX)

  app.addHook('onRequest', async () => {
    if (queue.state !== 'taking') throw logAway()
    if (!queue.hasRoom(1, 0)) throw noRoom()
  })
  bodies.take(app, { mediaTypes: ['application/json'], sizeBytesMax: BATCH_BYTES_MAX })

  app.post('/v1/fleet/telemetry', {
    config: { scope: 'fleet:telemetry' },
    schema: POST_TELEMETRY_SCHEMA,
    // The schema is for readers of the document; pipelines/fleet/accept judges the body, item by item.
    validatorCompiler: () => () => true,
    handler: async (request, reply) => await request.holding.during(() => handle(request, reply)),
  })

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { holding } = request
    if (!Buffer.isBuffer(request.body)) throw unsupportedMediaType(request.mediaTypes ?? [])
    const body = await unpacker.unpack(request.body, request.headers['content-encoding'], {
      holder: holding.holder,
      sizeBytesMax: BATCH_BYTES_MAX,
      charge: (sizeBytes) => holding.take(bodies.bytes, sizeBytes),
    })
    const pause = () => turns.pause(holding.holder)
    const read = await readObjectWithItems(body, 'items', BATCH_ITEMS_MAX, pause)
    if ('fault' in read)
      throw new Problem(read.fault === 'too_many' ? 'too_many_events' : 'not_json', read.detail)
    const head = acceptBatch(read.rest)
    if (head instanceof Refusal) throw invalidBody(head)
    requireOwnNode(request, audit, head)
    if (read.items.count === 0) throw new Problem('nothing_accepted', 'The batch has no items.')
    const receiptMs = queue.receiptMs()
    if (receiptMs === null) throw logAway()
    const { items, refused } = await judgeItems(read.items, receiptMs, pause)
    for (const [reason, those] of Map.groupBy(refused, ({ code }) => code))
      metrics.count('hivemeter_fleet_items_refused_total', { reason }, those.length)
    const records = recordsOf(head, items)
    const sizeBytes = records.reduce((sum, { value }) => sum + value.length, 0)
    if (!holding.take(waitingBytes, sizeBytes) || !queue.hasRoom(records.length, sizeBytes)) throw noRoom()
    const { logTimeMs } = requireTaken(await queue.offer(records))
    const taken = items.length - refused.length
    return reply.code(202).send({ log_time: formatTimeOrNull(logTimeMs), accepted: taken, refused })
  }
}

/** Judges the items one by one, in parts, one part each turn: a bad one does not cause others to be refused. */
async function judgeItems(
  sent: JsonItems,
  receiptMs: number,
  pause: () => Promise<void>,
): Promise<{ readonly items: readonly FleetItem[]; readonly refused: readonly RefusedItem[] }> {
  const items: FleetItem[] = []
  const refused: RefusedItem[] = []
  for (let index = 0; index < sent.count; index += 1) {
    if (index > 0 && index % ITEMS_PER_TURN === 0) await pause()
    const judged =
      sent.sizeBytes(index) > ITEM_BYTES_MAX ? TOO_LARGE : acceptItem(sent.parsed(index), receiptMs)
    if (judged instanceof Refusal) {
      const { code, path, detail } = judged
      refused.push({ index, code, path, detail })
      items.push(refusedItem(judged))
    } else items.push(judged)
  }
  return { items, refused }
}

const TOO_LARGE = new Refusal('too_large', '', `Has more than ${ITEM_BYTES_MAX} bytes.`)
