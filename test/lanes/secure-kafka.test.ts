import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { deleteRecordsBefore, logRanges, withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { PRINCIPAL_PATTERN, aclsOf } from '../../schemas/rights.ts'
import { FORWARDED_HEADER } from '../../schemas/usage.ts'
import { opensslMissing } from '../support/servers/certificates.ts'
import { UsageMaker, nodesOf, usageRecord } from '../support/records/produce.ts'
import { SecureInstallation } from '../support/processes/secure-installation.ts'
import type { Taken } from '../support/processes/secure-installation.ts'
import { SecureKafka } from '../support/servers/secure-kafka.ts'
import { until } from '../support/until.ts'
import { SERVICE_NAMES } from '../../schemas/services.ts'

const ARRIVES_WITHIN_MS = 60_000

describe('a Kafka with TLS, users and an authorizer', { skip: opensslMissing() ?? false }, () => {
  let kafka: SecureKafka
  let secure: SecureInstallation
  /** Checks of rights before they were granted, and up to the first one that was removed. */
  let looksUngranted = 0
  let looksBefore = 0

  before(async () => {
    kafka = await SecureKafka.start()
    secure = await SecureInstallation.open(kafka)
  })
  after(async () => {
    await secure[Symbol.asyncDispose]()
    await kafka.dispose()
  })

  it('lets nobody do anything before the rights are granted', async () => {
    const { exitCode, output } = await secure.command('migrate')
    assert.equal(exitCode, 78, output)
    assert.match(
      output,
      /does not let this process in: this principal lacks a right\. npm run migrate -- --acls/,
    )
  })

  it('gets the rights from migrate, which whoever may do everything runs', async () => {
    looksUngranted = kafka.audit().length
    const { exitCode, output } = await secure.grant()
    assert.equal(exitCode, 0, output)
    const count = aclsOf(secure.installation.prefix, PRINCIPAL_PATTERN).length
    assert.match(output, new RegExp(`^Rights: granted ${count} of ${count}\\.$`, 'm'), output.slice(-700))
    assert.match((await secure.grant()).output, /^Rights: all there\.\n$/)
    await secure.run('migrate')
    await secure.spoilTopics()
    assert.match(await secure.run('migrate'), /^Topics: set what the guarantee needs of .*usage\.metered/m)
  })

  it('lets each service do its whole work', async () => {
    await secure.makeKey()
    await secure.startServices()
    const joined = await secure.ask('reader', '/api/settings/compute/provider/join', {
      node_id: 'secure-node',
      operator_id: 'op',
      allow_metered_for_hive: true,
    })
    assert.equal(joined.status, 200, joined.text)
    assert.equal(await secure.send('first'), 202)
    assert.equal(await secure.beat(), 202)
    await until('its payment', ARRIVES_WITHIN_MS, async () => {
      const { text } = await secure.ask('reader', '/api/wallets/op/entries')
      return text.includes('"spark":29')
    })
    // One that is refused: an inventory would keep the installation from growing.
    const slot = { container: 'none', label: 'Left' }
    const change = await secure.ask('reader', '/api/fleet/slots?provider=krill', slot)
    assert.equal(change.status, 404, change.text)
    assert.match(change.text, /"code":"unknown_container"/)
  })

  it('lets readers and migrate write the table of models', async () => {
    const rows = [{ pattern: 'gpt-*', execution: 'api' }]
    const put = await secure.ask('reader', '/api/models', { rows }, 'PUT')
    assert.deepEqual([put.status, put.text], [200, '{"updated":true,"version":3}'])
    const file = join(secure.installation.dir, 'models.json')
    writeFileSync(file, '{"rows":[]}')
    assert.match(await secure.run('migrate', '--models', file), /^Table of models: version 4, 0 rows\.$/m)
  })

  it('lets an outside producer write usage and nothing else, and in no transaction', async () => {
    const { topics, partitions, prefix } = secure.installation
    const [node = ''] = nodesOf(0, partitions, 1)
    const [foreign = ''] = nodesOf(1, partitions, 1)
    const maker = new UsageMaker(1, systemRandom.bytes(8))
    const outside = secure.kafkaAs('producer')
    const open = (topic: string) => new IdempotentProducer({ ...outside, topic, metrics: noMetrics })
    const metered = open(topics.usageMetered)
    // An event in the wrong place is sent on; one that was sent on before is a dead letter that replay can put back.
    const sentOnAlready = { headers: { [FORWARDED_HEADER]: '1' } }
    await metered.append([
      usageRecord(0, [maker.event(node), maker.event(foreign)]),
      { ...usageRecord(0, [maker.event(node), maker.event(foreign)]), ...sentOnAlready },
      { ...usageRecord(0, [maker.event(foreign)]), ...sentOnAlready },
    ])
    await metered.stop()
    const value = Buffer.from('x')
    const others = Object.values(topics).filter((topic) => topic !== topics.usageMetered)
    const onTopics = others.map(async (topic) => {
      const producer = open(topic)
      await assert.rejects(producer.append([{ partition: 0, key: null, value }]))
      await producer.stop()
      const look = withAdmin(outside, (admin) => admin.fetchTopicOffsets(topic))
      await assert.rejects(look, /uthoriz/)
      assert(isRefused(`Topic:LITERAL:${topic}`))
    })
    const inTransactions = ['mine', `${prefix}aggregator-0`].map(async (transactionalId) => {
      const writer = new TransactionalWriter({ ...outside, transactionalId, failpoint: noFailpoint })
      await assert.rejects(writer.commit([{ topic: topics.usageMetered, partition: 0, key: null, value }]))
      await writer.close()
      assert(isRefused(`TransactionalId:LITERAL:${transactionalId}`))
    })
    await Promise.all([...onTopics, ...inTransactions])
  })

  /** Whether the outside producer requested this, and was refused each time. */
  function isRefused(resource: string): boolean {
    const looks = kafka
      .audit()
      .filter((look) => look.resource === resource && look.principal === 'User:hivemeter-producer')
    return looks.length > 0 && looks.every(({ allowed }) => !allowed)
  }

  it('lets what was set aside be put back, and all of it be checked', async () => {
    const { clickhouse } = secure.installation
    const letters = async () =>
      await clickhouse.rows<{ id: string }>(
        "SELECT concat(topic, '/', toString(partition), '/', toString(record_offset)) AS id FROM dead_letters ORDER BY id",
      )
    await until('the dead letters', ARRIVES_WITHIN_MS, async () => (await letters()).length === 2)
    // One by the command, one by a page or program: each has rights of its own.
    const [first, second] = (await letters()).map(({ id }) => id) as [string, string]
    const output = await secure.run('replay', '--dead-letters', '--id', first)
    assert.match(output, /^1 dead letters: 1 events put back/m)
    const answer = await secure.ask(
      'reader',
      `/api/usage/set-aside/${second.replaceAll('/', ':')}/replay`,
      {},
    )
    assert.equal((JSON.parse(answer.text) as { put_back?: number }).put_back, 1, answer.text)
    assert.match(await secure.run('verify'), /^0 differences in /m)
  })

  it('names the right that is lacking where one is taken away, and goes on where it is given back', async () => {
    const { usageMetered, usageBlocks, nodeState, fleetInbox, fleetState } = secure.installation.topics
    const taken: readonly Taken[] = [
      ['gateway', usageMetered, 'Write'],
      ['aggregator', usageBlocks, 'Write'],
      ['settler', nodeState, 'Write'],
      ['fleet', fleetState, 'Write'],
      ['loader', usageBlocks, 'Read'],
      ['reader', nodeState, 'Read'],
    ]
    looksBefore = kafka.audit().length
    await secure.revoke(taken)
    const toFleet = new IdempotentProducer({
      ...secure.installation.kafka,
      topic: fleetInbox,
      metrics: noMetrics,
    })
    let sent = 0
    for (const name of SERVICE_NAMES) {
      const service = secure.service(name)
      await until(
        `${name} to name the right that it lacks`,
        ARRIVES_WITHIN_MS,
        async () => {
          // Work for each of them: the settler's work comes from heartbeats, which are still taken.
          assert([202, 503].includes(await secure.send(`without ${sent++}`)))
          assert([202, 503].includes(await secure.beat()))
          // A node of a fleet would keep the installation from growing.
          await toFleet.append([{ partition: 0, key: null, value: Buffer.from('not ours') }])
          return service.lastWords.includes('lacks a right')
        },
        () => service.lastWords,
      )
    }
    await toFleet.stop()
    const { output } = await secure.grant()
    assert.match(output, /^Rights: granted 6 of /m)
    // A consumer that is refused ends its process, since the process must be started again.
    for (const name of SERVICE_NAMES) {
      const { ended, lastWords } = secure.service(name)
      assert(ended === undefined || ended === 78, lastWords)
    }
    await secure.startServices()
    await until(
      'the gateway to take events',
      ARRIVES_WITHIN_MS,
      async () => (await secure.send('after all')) === 202,
    )
    await until('the event after all', ARRIVES_WITHIN_MS, async () => {
      const { text } = await secure.ask('reader', '/api/usage/events?node_id=secure-node')
      return text.includes('after all')
    })
    assert.match(await secure.run('verify'), /^0 differences in /m)
  })

  it('confirms operators of before with the rights that migrate has', async () => {
    const words = await secure.run('migrate', '--confirm-operators', '--yes')
    assert.match(words, /^Operators to confirm: \d+, of \d+ that nobody has confirmed\./m)
  })

  it('grows, and everybody goes on with the rights that there are', async () => {
    const { kafka: plain, topics } = secure.installation
    const topic = topics.usageMetered
    await withAdmin(plain, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
    const stray = new UsageMaker(2, systemRandom.bytes(8)).event('stray-node')
    const outside = new IdempotentProducer({ ...secure.kafkaAs('producer'), topic, metrics: noMetrics })
    await until('the broker to know the added partition', ARRIVES_WITHIN_MS, async () => {
      try {
        return (await outside.append([usageRecord(2, [stray])])).size === 1
      } catch {
        return false
      }
    })
    await outside.stop()
    assert.match(
      await secure.run('migrate', '--grow', '3'),
      /^Growth: 1 events carried over from partition 2 /m,
    )
    await until('the gateway to take events', ARRIVES_WITHIN_MS, () =>
      unlessClosed(async () => (await secure.send('grown')) === 202),
    )
    await until('the event behind the cut', ARRIVES_WITHIN_MS, () =>
      unlessClosed(async () => {
        const { text } = await secure.ask('reader', '/api/usage/events?node_id=secure-node')
        return text.includes('grown')
      }),
    )
    assert.match(await secure.run('verify'), /^0 differences in /m)
  })

  it('is asked for nothing that the table of rights lacks, and for every one that it has', async () => {
    const { topics, prefix } = secure.installation
    // The deletion that memory requests after millions of ids is requested directly here.
    const forget = async (who: 'aggregator' | 'settler', topic: string) =>
      await withAdmin(secure.kafkaAs(who), async (admin) => {
        await logRanges(admin, topic)
        await deleteRecordsBefore(admin, topic, 0, 1n)
      })
    await forget('aggregator', topics.usageIds)
    await assert.rejects(forget('settler', topics.nodeState))
    await secure.stopServices()
    const audited = kafka.audit()
    const denied = audited
      .slice(looksUngranted, looksBefore)
      .filter(({ allowed, principal }) => !allowed && principal !== 'User:hivemeter-producer')
    assert.deepEqual(denied, [])
    // A right that was used only to see a name is not needed: it counts where its own operation was requested.
    const used = new Set(
      audited
        .filter(({ rule, operation }) => rule?.startsWith(`${operation} `))
        .map(({ principal, rule }) => `${principal} ${rule?.toUpperCase()}`),
    )
    const unused = aclsOf(prefix, PRINCIPAL_PATTERN)
      .filter(({ principal, resource, name, pattern, operation }) => {
        const row = (kind: string, of: string): string =>
          `${principal} ${[snake(operation), snake(resource), kind, of].join(' ').toUpperCase()}`
        if (used.has(row(pattern, name))) return false
        // The rights on the versions that a growth makes are used like those on the first version.
        return pattern !== 'prefixed' || !used.has(row('literal', name.replace(/\.v$/, '')))
      })
      .map(({ principal, operation, name }) => `${principal} ${operation} ${name}`)
      // Only an interrupted growth deletes; growth.test.ts interrupts it at each step.
      .filter((row) => row !== `User:hivemeter-migrate Delete ${topics.usageIds}.v`)
      // It is read only in an installation from before, when its operators are first confirmed.
      .filter((row) => !row.startsWith(`User:hivemeter-migrate Read ${topics.accountInbox}`))
    assert.deepEqual(unused, [])
  })

  it('is told no secret that anybody writes down', () => {
    const words = secure.allWords()
    assert(words.length > 1_000)
    assert(!words.includes(kafka.password))
    const [, claims = ''] = readFileSync(join(kafka.dir, 'hivemeter-aggregator.token'), 'utf8').split('.')
    assert(claims.length > 20 && !words.includes(claims))
  })
})

/** "TransactionalId" as the authorizer writes it. */
const snake = (name: string): string => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_')

/** False where no process listens: the port of a server is closed for the moment between two versions of the topics. */
async function unlessClosed(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TypeError && error.message === 'fetch failed') return false
    throw error
  }
}
