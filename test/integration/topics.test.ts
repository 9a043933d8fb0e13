import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import kafkajs from 'kafkajs'
import { withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { findTopics } from '../../pipelines/kafka/kafkajs/topics.ts'
import { topicsOf } from '../../schemas/rights.ts'
import { COMPACTED_SEGMENT_BYTES } from '../../schemas/topics.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { startService } from '../support/processes/service-process.ts'
import { SERVICE_NAMES } from '../../schemas/services.ts'

const ENDS_WITHIN_MS = 20_000

describe('the topics of an installation', () => {
  let installation: Installation
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'topics', rules: false })
    cleanup.defer(() => installation.dispose())
  })

  after(() => cleanup.disposeAsync())

  /** As Kafka's own tool would: settings that are not named are reset. */
  const give = (topic: string, settings: Record<string, string>) =>
    withAdmin(installation.kafka, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: topic,
            configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
          },
        ],
      }),
    )
  const has = async (topic: string, setting: string) =>
    await withAdmin(installation.kafka, async (admin) =>
      (await findTopics(admin, [topic])).get(topic)?.settings.get(setting),
    )
  const check = (settings: Record<string, string> = {}) =>
    installation.command('migrate', ['--check'], undefined, settings)

  it('are as the guarantee needs them once migrate has made them, whatever the brokers have by themselves', async () => {
    const { exitCode, output } = await check()
    assert.equal(exitCode, EXIT.ok, output)
    assert.match(output, /^Everything is as it must be\.$/m)
    // The local broker's own log.retention.bytes is 512 MiB; it must not cut a log that is kept by time.
    assert.equal(await has(installation.topics.usageIds, 'retention.bytes'), '-1')
  })

  it('stop every service from starting where one differs, and migrate mends it', async () => {
    const { usageMetered, usageBlocks, nodeState, fleetBlocks } = installation.topics
    await give(usageMetered, {
      'message.timestamp.type': 'CreateTime',
      'retention.ms': '-1',
      'retention.bytes': '1048576',
      'compression.type': 'zstd',
    })
    await give(usageBlocks, { 'unclean.leader.election.enable': 'true' })
    await give(nodeState, { 'cleanup.policy': 'compact', 'unclean.leader.election.enable': 'true' })
    await give(fleetBlocks, { 'unclean.leader.election.enable': 'true' })
    const lines = [
      `Topic ${usageMetered} has message.timestamp.type CreateTime; the guarantee needs LogAppendTime.`,
      `Topic ${usageMetered} has retention.bytes 1048576; the guarantee needs at least 1073741824.`,
      `Topic ${usageBlocks} has unclean.leader.election.enable true; the guarantee needs false.`,
      `Topic ${nodeState} has unclean.leader.election.enable true; the guarantee needs false.`,
      `Topic ${fleetBlocks} has unclean.leader.election.enable true; the guarantee needs false.`,
    ]
    const checked = await check()
    assert.equal(checked.exitCode, EXIT.configuration, checked.output)
    for (const line of lines) assert.ok(checked.output.includes(line), checked.output)
    assert.match(checked.output, /Run npm run migrate: it mends what can be set\.$/m)

    const refused = SERVICE_NAMES.map(async (name) => {
      // Each service checks the topics on which it has rights.
      const own = topicsOf(name).map((role) => `Topic ${installation.topics[role]} `)
      const named = lines.filter((line) => own.some((topic) => line.startsWith(topic)))
      assert.ok(named.length > 0, `${name} has no topic that differs`)
      const service = await startService(installation, name)
      cleanup.defer(() => service.kill())
      assert.ok(await service.endsWithin(ENDS_WITHIN_MS), `${name} runs`)
      assert.equal(service.ended, EXIT.configuration, service.lastWords)
      for (const line of named) assert.ok(service.lastWords.includes(line), service.lastWords)
    })
    await Promise.all(refused)

    const mended = await installation.command('migrate')
    assert.equal(mended.exitCode, EXIT.ok, mended.output)
    assert.match(
      mended.output,
      new RegExp(
        `^Topics: set what the guarantee needs of ${usageMetered}, ${usageBlocks}, ${nodeState}, ${fleetBlocks}\\.$`,
        'm',
      ),
    )
    assert.equal((await check()).exitCode, EXIT.ok)
    assert.equal(await has(usageMetered, 'message.timestamp.type'), 'LogAppendTime')
    assert.equal(await has(usageMetered, 'compression.type'), 'zstd', 'what an operator gave is kept')
    assert.equal(await has(nodeState, 'segment.bytes'), String(COMPACTED_SEGMENT_BYTES))
  })

  it('may promise more than is needed', async () => {
    const { usageBlocks } = installation.topics
    const kept = { 'message.timestamp.type': 'LogAppendTime', 'max.message.bytes': '8388608' }
    await give(usageBlocks, { ...kept, 'retention.ms': '-1', 'retention.bytes': '-1' })
    const { exitCode, output } = await check()
    assert.equal(exitCode, EXIT.ok, output)
    assert.equal((await installation.command('migrate')).exitCode, EXIT.ok)
    assert.equal(await has(usageBlocks, 'retention.bytes'), '-1', 'migrate makes nothing shorter')
  })

  it('cannot be given copies by a setting: Kafka’s own command is named', async () => {
    const { exitCode, output } = await check({ HIVEMETER_REPLICATION_FACTOR: '2' })
    assert.equal(exitCode, EXIT.configuration)
    assert.match(
      output,
      new RegExp(
        `^Topic ${installation.topics.usageMetered} has replication factor 1; the guarantee needs at least 2\\.$`,
        'm',
      ),
    )
    assert.match(output, /fewer brokers than HIVEMETER_REPLICATION_FACTOR asks for \(2\)/)
    assert.equal(
      (
        await installation.command('migrate', [], undefined, {
          HIVEMETER_REPLICATION_FACTOR: '2',
        })
      ).exitCode,
      EXIT.configuration,
    )
  })

  it('that nobody made are named', async () => {
    const { accountInbox } = installation.topics
    await withAdmin(installation.kafka, (admin) => admin.deleteTopics({ topics: [accountInbox] }))
    const { exitCode, output } = await check()
    assert.equal(exitCode, EXIT.configuration)
    assert.match(output, new RegExp(`^Topic ${accountInbox} does not exist\\.$`, 'm'))
    const settler = await startService(installation, 'settler')
    assert.ok(await settler.endsWithin(ENDS_WITHIN_MS))
    assert.equal(settler.ended, EXIT.configuration, settler.lastWords)
    assert.match(settler.lastWords, /Run npm run migrate: it makes what is missing/)
    const { output: made } = await installation.command('migrate')
    assert.match(made, new RegExp(`^Topics: made ${accountInbox}\\.$`, 'm'))
  })
})
