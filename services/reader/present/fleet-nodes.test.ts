import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATE_KEY, fenceCodec } from '../../../schemas/avro.ts'
import { fleetNodeCodec, fleetTaskCodec } from '../../../schemas/fleet/codecs.ts'
import type { FleetNode } from '../../../schemas/fleet/records.ts'
import { newNode } from '../../../pipelines/fleet/node.ts'
import { Problem } from '../../http/problem.ts'
import { FleetNodes, PresentFleet } from './fleet-nodes.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const NAME = { provider_id: 'p', location_id: 'l', node_id: 'n' }

const nodeRecord = (fields: Partial<FleetNode> = {}) => ({
  partition: 0,
  key: Buffer.from('p/l/n'),
  value: fleetNodeCodec.encode({ ...newNode(NAME, NOW), ...fields }),
})
const taskRecord = (now: number) => {
  const task = {
    position: 1,
    next_seq: 1,
    now,
    loaded_seq: 0,
    oldest_unloaded_at: null,
    ended: false,
    since: [],
  }
  return { partition: 0, key: Buffer.from(STATE_KEY.task), value: fleetTaskCodec.encode(task) }
}

test('the newest record of a node counts, and one that is deleted is gone', () => {
  const nodes = new FleetNodes(1)
  assert.deepEqual([nodes.node(NAME), nodes.nowMs(0)], [null, null])
  nodes.apply(nodeRecord({ epoch: 1 }))
  nodes.apply(nodeRecord({ epoch: 2 }))
  nodes.apply(taskRecord(NOW + 5))
  assert.deepEqual([nodes.size, nodes.node(NAME)?.epoch, nodes.nowMs(0)], [1, 2, NOW + 5])
  assert.equal(nodes.node({ ...NAME, node_id: 'other' }), null)
  nodes.apply(taskRecord(NOW))
  assert.equal(nodes.nowMs(0), NOW + 5, 'log time never falls')
  nodes.apply({ ...nodeRecord(), value: null })
  assert.equal(nodes.size, 0)
})

test('what is no node is passed over; what cannot be read is an error', () => {
  const nodes = new FleetNodes(1)
  const fence = fenceCodec.encode({ instance: 'x' })
  nodes.apply({ partition: 0, key: Buffer.from(STATE_KEY.fence), value: fence })
  nodes.apply({ partition: 0, key: Buffer.from('worker/1'), value: fence })
  assert.equal(nodes.size, 0)
  const { value } = nodeRecord()
  assert.throws(() => nodes.apply({ ...nodeRecord(), value: value.subarray(0, -1) }))
  assert.throws(() => nodes.apply({ ...nodeRecord(), key: null }), /no key/)
})

test('a node is not asked for before the state is loaded, and then as of the request', async () => {
  const nodes = new FleetNodes(4)
  const table = { loaded: false, reached: [] as number[] }
  const fleet = new PresentFleet({
    nodes,
    table: {
      get loaded() {
        return table.loaded
      },
      reach: async (partition) => {
        table.reached.push(partition)
        nodes.apply({ ...nodeRecord({ epoch: 7 }), partition })
        return true
      },
    },
  })
  const loading = (error: unknown): boolean => error instanceof Problem && error.code === 'state_loading'
  await assert.rejects(fleet.node(NAME), loading)
  table.loaded = true
  assert.equal((await fleet.node(NAME)).node.epoch, 7)
  assert.equal(table.reached.length, 1)
  await assert.rejects(
    fleet.node({ ...NAME, node_id: 'other' }),
    (error) => error instanceof Problem && error.code === 'node_not_registered',
  )
})
