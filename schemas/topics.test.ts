import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endCodec, inboxAuditCodec, inboxHeartbeatCodec, tickCodec, usageEventsCodec } from './avro.ts'
import { CLOSED_MESSAGE_BYTES, TOPICS, topicDifferences, topicNames, topicSettings } from './topics.ts'
import type { FoundTopic, TopicPolicy, TopicRole } from './topics.ts'

const CLUSTER: TopicPolicy = { replicationFactor: 3, minInsyncReplicas: 2, retention: 'time' }
const LAPTOP: TopicPolicy = { replicationFactor: 1, minInsyncReplicas: 1, retention: 'size' }
const DAY_MS = 86_400_000

/** A topic as it is created, with other values where the case requires them. */
function found(role: TopicRole, policy: TopicPolicy, other: Record<string, string> = {}): FoundTopic {
  const settings = new Map(topicSettings(TOPICS[role], policy).map(({ name, value }) => [name, value]))
  for (const [name, value] of Object.entries(other)) settings.set(name, value)
  return { partitions: 4, replicas: policy.replicationFactor, settings }
}

const differ = (role: TopicRole, policy: TopicPolicy, topic: FoundTopic | undefined): string[] =>
  topicDifferences(TOPICS[role].name, TOPICS[role], policy, topic).map(
    ({ setting, found: has, wanted, mendable }) =>
      `${setting}: ${has}, not ${wanted}${mendable ? '' : ' (by hand)'}`,
  )

describe('the settings of a topic', () => {
  it('name the retention by time and by size, so that no default of a broker is in force', () => {
    const retention = (role: TopicRole, policy: TopicPolicy) =>
      topicSettings(TOPICS[role], policy)
        .filter(({ name }) => name.startsWith('retention.'))
        .map(({ name, value }) => `${name}=${value}`)
    assert.deepEqual(retention('usageMetered', CLUSTER), [`retention.ms=${7 * DAY_MS}`, 'retention.bytes=-1'])
    assert.deepEqual(retention('usageMetered', LAPTOP), ['retention.ms=-1', 'retention.bytes=1073741824'])
    assert.deepEqual(retention('usageIds', CLUSTER), ['retention.ms=-1', 'retention.bytes=-1'])
    assert.deepEqual(retention('nodeState', CLUSTER), [])
  })

  it('differ from nothing where a topic is as it was made', () => {
    for (const policy of [CLUSTER, LAPTOP]) {
      for (const role of Object.keys(TOPICS) as TopicRole[]) {
        assert.deepEqual(differ(role, policy, found(role, policy)), [], role)
      }
    }
  })

  for (const [what, role, policy, topic, expected] of [
    ['a topic that is missing', 'usageIds', LAPTOP, undefined, ['topic: missing, not there']],
    [
      'too few copies',
      'usageMetered',
      CLUSTER,
      { ...found('usageMetered', CLUSTER), replicas: 1 },
      ['replication factor: 1, not at least 3 (by hand)'],
    ],
    [
      'an acknowledgement of one copy',
      'usageMetered',
      CLUSTER,
      found('usageMetered', CLUSTER, { 'min.insync.replicas': '1' }),
      ['min.insync.replicas: 1, not at least 2'],
    ],
    [
      'more copies that acknowledge',
      'usageMetered',
      CLUSTER,
      found('usageMetered', CLUSTER, { 'min.insync.replicas': '3' }),
      [],
    ],
    [
      'a bound by size beside the one by time',
      'usageBlocks',
      CLUSTER,
      found('usageBlocks', CLUSTER, { 'retention.bytes': '536870912' }),
      ['retention.bytes: 536870912, not -1'],
    ],
    [
      'a shorter time',
      'usageBlocks',
      CLUSTER,
      found('usageBlocks', CLUSTER, { 'retention.ms': String(29 * DAY_MS) }),
      [`retention.ms: ${29 * DAY_MS}, not at least ${30 * DAY_MS}`],
    ],
    [
      'a longer time',
      'usageBlocks',
      CLUSTER,
      found('usageBlocks', CLUSTER, { 'retention.ms': String(90 * DAY_MS) }),
      [],
    ],
    [
      'all of it kept for ever',
      'usageBlocks',
      CLUSTER,
      found('usageBlocks', CLUSTER, { 'retention.ms': '-1' }),
      [],
    ],
    [
      'a size that is larger',
      'usageMetered',
      LAPTOP,
      found('usageMetered', LAPTOP, { 'retention.bytes': '-1' }),
      [],
    ],
    [
      'the time of the client',
      'accountInbox',
      LAPTOP,
      found('accountInbox', LAPTOP, { 'message.timestamp.type': 'CreateTime' }),
      ['message.timestamp.type: CreateTime, not LogAppendTime'],
    ],
    [
      'accounts that are deleted by age',
      'nodeState',
      LAPTOP,
      found('nodeState', LAPTOP, { 'cleanup.policy': 'compact,delete' }),
      ['cleanup.policy: compact,delete, not compact'],
    ],
    [
      'leaders that lack acknowledged records',
      'nodeState',
      CLUSTER,
      found('nodeState', CLUSTER, { 'unclean.leader.election.enable': 'true' }),
      ['unclean.leader.election.enable: true, not false'],
    ],
    [
      'blocks that the broker would refuse',
      'usageBlocks',
      LAPTOP,
      found('usageBlocks', LAPTOP, { 'max.message.bytes': '1048588' }),
      ['max.message.bytes: 1048588, not at least 4194304'],
    ],
    [
      'segments of another size',
      'nodeState',
      LAPTOP,
      found('nodeState', LAPTOP, { 'segment.bytes': '1073741824' }),
      [],
    ],
    [
      'a setting that was not told',
      'nodeState',
      LAPTOP,
      {
        ...found('nodeState', LAPTOP),
        settings: new Map([...found('nodeState', LAPTOP).settings].slice(1)),
      },
      ['message.timestamp.type: unknown, not LogAppendTime'],
    ],
  ] as const) {
    it(`judge ${what}: ${expected.length === 0 ? 'no harm' : 'named'}`, () => {
      assert.deepEqual(differ(role, policy, topic), expected)
    })
  }
})

describe('a closed topic', () => {
  /** Bytes of a batch of one record: the batch's head, the record's lengths and fields, key and value. */
  const batchBytes = (value: Buffer, key = ''): number => 61 + 7 + key.length + value.length
  const smallest = {
    event_id: Buffer.alloc(16),
    event_text: null,
    node_id: 'n',
    operator_id: null,
    model_id: 'm',
    task_source: 'own',
    occurred_at: 1_790_000_000_000,
    tokens_in: 0,
    tokens_out: 0,
    duration_ms: null,
    gpu_ms: null,
    energy_mwh: null,
    energy_source: 'none',
    cost_nano_usd: 0,
    goal_id: null,
    requester_node_id: null,
    reservation_id: null,
    event_source: null,
    more: null,
  } as const

  it('takes what moves tasks on', () => {
    const token = Buffer.alloc(16)
    assert.equal(batchBytes(endCodec.encode({ token })), 90)
    assert.equal(batchBytes(tickCodec.encode({ written_by: '0123456789ab' })), 86)
    assert.ok(CLOSED_MESSAGE_BYTES >= 90)
  })

  it('takes nothing that counts', () => {
    assert.ok(batchBytes(usageEventsCodec.encode({ events: [smallest] })) > CLOSED_MESSAGE_BYTES)
    const heartbeat = inboxHeartbeatCodec.encode({
      node_id: 'n',
      heartbeat_hash: Buffer.alloc(8),
      sent_at: 1_790_000_000_000,
      by_admin: false,
      tier: null,
      profile: null,
      operator_id: null,
      software_version: null,
      agent_count: null,
      post_count: null,
      ad_impressions: 0,
    })
    assert.ok(batchBytes(heartbeat, 'n') > CLOSED_MESSAGE_BYTES)
    const refused = { kind: 'credential_refused', subject: 's', node_id: '', address: '' } as const
    const nothing = { before: '', after: '', reason: '', count: 1 }
    const audit = inboxAuditCodec.encode({ entry_id: Buffer.alloc(16), ...refused, ...nothing })
    assert.ok(batchBytes(audit, 's') > CLOSED_MESSAGE_BYTES)
  })
})

describe('the names of topics', () => {
  it('carry the version where nodes have partitions', () => {
    const { usageMetered, nodeState, accessKeys, installation } = topicNames('p.', 2)
    assert.deepEqual(
      [usageMetered, nodeState, accessKeys, installation],
      ['p.usage.metered.v2', 'p.node.state.v2', 'p.access.keys', 'p.hivemeter.installation'],
    )
    assert.equal(topicNames('p.').usageMetered, 'p.usage.metered')
  })
})
