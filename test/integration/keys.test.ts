import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { inboxAuditCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { startService } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'

/** What the contract promises about a key that is made or revoked, on every instance. */
const COUNTS_WITHIN_MS = 5_000

describe('keys', () => {
  let installation: Installation
  let readers: ServiceProcess[]
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    installation = await install({ name: 'keys' })
    cleanup.defer(() => installation.dispose())
    readers = await Promise.all(
      [1, 2].map(() => startService(installation, 'reader', { settings: { HIVEMETER_ACCESS: 'required' } })),
    )
    for (const reader of readers) cleanup.defer(() => reader.stop())
    await Promise.all(readers.map((reader) => reader.ready()))
  })

  after(() => cleanup.disposeAsync())

  const keys = (...args: string[]) => installation.command('keys', args)

  async function statuses(key: string): Promise<number[]> {
    return await Promise.all(
      readers.map(async ({ url }) => {
        const answer = await fetch(`${url}/api/settings/compute/provider?node_id=n`, {
          headers: { authorization: `Bearer ${key}` },
        })
        await answer.arrayBuffer()
        return answer.status
      }),
    )
  }

  async function answers(key: string, status: number): Promise<void> {
    await until(
      `${status} from both readers`,
      COUNTS_WITHIN_MS,
      async () => (await statuses(key)).every((one) => one === status),
      async () => JSON.stringify(await statuses(key)),
    )
  }

  async function make(...more: string[]): Promise<{ keyId: string; text: string }> {
    const { exitCode, output } = await keys(
      'create',
      '--client',
      'ana',
      '--scopes',
      'usage:read',
      '--nodes',
      'n',
      ...more,
    )
    assert.equal(exitCode, 0, output)
    const text = output.trim().split('\n').at(-1) ?? ''
    return { text, keyId: text.slice(3, 19) }
  }

  it('count on every reader when they are made, and no longer when they are revoked', async () => {
    const { text, keyId } = await make()
    // The node has no operator: a credential with the right gets 404.
    await answers(text, 404)
    const revoked = await keys('revoke', keyId)
    assert.match(revoked.output, new RegExp(`^key ${keyId} of ana is revoked`))
    await answers(text, 401)
  })

  it('are two of a client at most, and say so', async () => {
    const first = await make()
    await make('--expires-days', '1')
    const third = await keys('create', '--client', 'ana', '--scopes', 'usage:read', '--nodes', 'n')
    assert.deepEqual([third.exitCode, third.output.includes(first.keyId)], [1, true], third.output)
    const { output } = await keys('list')
    const states = output
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[1])
    assert.deepEqual(states, ['revoked', 'active', 'active'])
    assert.doesNotMatch(output, new RegExp(first.text.slice(20)))
  })

  it('may name operators, which list shows, and read their wallets', async () => {
    const { exitCode, output } = await keys(
      'create',
      '--client',
      'operator',
      '--scopes',
      'usage:read',
      '--operator',
      'op-a,op-b',
    )
    assert.equal(exitCode, 0, output)
    const text = output.trim().split('\n').at(-1) ?? ''
    const wallet = async (name: string): Promise<number> => {
      const headers = { authorization: `Bearer ${text}` }
      const answer = await fetch(`${readers[0]?.url}/api/wallets/${name}`, { headers })
      await answer.arrayBuffer()
      return answer.status
    }
    await until('the wallet of its own', COUNTS_WITHIN_MS, async () => (await wallet('op-b')) === 200)
    assert.equal(await wallet('op-c'), 404)
    assert.match((await keys('list')).output, / {2}operator {2}usage:read {2}- .* {2}operators op-a,op-b$/m)
    const wrong = await keys('create', '--client', 'x', '--scopes', 'usage:read', '--operator', '*')
    assert.equal(wrong.exitCode, 2, wrong.output)
  })

  it('may stand for one node of a hosting fleet, and open nothing else', async () => {
    const create = (...more: string[]) => keys('create', '--client', 'barn', '--scopes', ...more)
    const made = await create('fleet:telemetry', '--fleet-node', 'krill/barn/agent-1')
    assert.equal(made.exitCode, 0, made.output)
    assert.match(made.output, /fleet:telemetry; fleet node krill\/barn\/agent-1$/m)
    assert.match(
      (await keys('list')).output,
      / {2}barn {2}fleet:telemetry {2}- .* {2}fleet node krill\/barn\/agent-1$/m,
    )
    for (const wrong of [
      ['fleet:telemetry'],
      ['fleet:telemetry', '--fleet-node', 'krill/barn'],
      ['fleet:telemetry', '--fleet-node', 'krill/barn/agent-1', '--nodes', 'n'],
      ['fleet:telemetry,usage:read', '--fleet-node', 'krill/barn/agent-1'],
      ['usage:read', '--nodes', 'n', '--fleet-node', 'krill/barn/agent-1'],
    ]) {
      const { exitCode, output } = await create(...wrong)
      assert.equal(exitCode, 2, output)
    }
  })

  it('are two of a client at most, also where several commands make them at once', async () => {
    const make = () => keys('create', '--client', 'at-once', '--scopes', 'usage:read', '--nodes', 'n')
    const made = await Promise.all([make(), make(), make(), make()])
    const { output } = await keys('list')
    const active = output.split('\n').filter((line) => /active\s+at-once/.test(line))
    assert.ok(active.length <= 2, output)
    assert.equal(made.filter(({ exitCode }) => exitCode === 0).length, active.length)
  })

  it('of which one cannot be read do not stop the others, and list names it', async () => {
    const { text, keyId } = await make('--client', 'damaged')
    await answers(text, 404)
    const { kafka, topics, partitions } = installation
    const producer = new IdempotentProducer({ ...kafka, topic: topics.accessKeys, metrics: noMetrics })
    const partition = partitionOfNode(keyId, partitions)
    await producer.append([{ partition, key: keyId, value: Buffer.from('nonsense') }])
    await producer.stop()
    await answers(text, 401)
    assert.match(
      (await keys('list')).output,
      new RegExp(`^${keyId} {2}unreadable: it cannot be decoded`, 'm'),
    )
    const ready = await fetch(`${readers[0]?.url}/readyz`)
    assert.equal(ready.status, 200)
    assert.match(await ready.text(), new RegExp(`key ${keyId} cannot be read`))
    const after = await make('--client', 'after-it')
    await answers(after.text, 404)
    await keys('revoke', after.keyId)
    await answers(after.text, 401)
    assert.equal((await keys('revoke', keyId)).exitCode, 0)
    assert.doesNotMatch((await keys('list')).output, /unreadable/)
  })

  it('of cursors is a file of its own: a reader without it ends with 78 and says who makes it', async () => {
    const settings = { HIVEMETER_CURSOR_KEY_FILE: '/nowhere/cursor.key', HIVEMETER_READER_PORT: '26409' }
    const { exitCode, output } = await installation.command('reader', [], COUNTS_WITHIN_MS * 4, settings)
    assert.equal(exitCode, 78, output)
    assert.match(
      output,
      /The cursor key file \/nowhere\/cursor\.key cannot be read\. Run npm run migrate once/,
    )
  })

  it('are rows of the audit when they are made and revoked, and when they are shown in vain', async () => {
    const { text, keyId } = await make('--client', 'audited')
    await answers(text, 404)
    assert.doesNotMatch((await keys('revoke', keyId)).output, /the audit/)
    await keys('revoke', keyId)
    const reader = await startService(installation, 'reader', { settings: { HIVEMETER_ACCESS: 'required' } })
    await reader.ready()
    const headers = { authorization: `Bearer ${text}` }
    for (let count = 0; count < 3; count++) {
      const answer = await fetch(`${reader.url}/api/settings/compute/provider?node_id=n`, { headers })
      assert.equal(answer.status, 401)
    }
    await reader.stop()
    const partition = partitionOfNode(`key:${keyId}`, installation.partitions)
    const records = await installation.records('accountInbox', partition)
    const entries = records
      .filter(({ key }) => key?.toString() === `key:${keyId}`)
      .map(({ value }) => inboxAuditCodec.decode(value as Buffer))
    const words = 'audited; usage:read; nodes n; for good'
    assert.deepEqual(
      entries.map(({ kind, count, before: was, after: is, reason }) => [kind, count, was, is, reason]),
      [
        ['key_made', 1, '', words, 'keys command'],
        ['key_revoked', 1, words, '', 'keys command'],
        ['credential_refused', 3, '', '', 'revoked'],
      ],
    )
    for (const { value } of records) assert.ok(!value?.includes(text.slice(20)), 'a secret')
  })

  it('are not made for what makes no sense: exit 2 with the way to ask', async () => {
    for (const args of [
      [],
      ['make'],
      ['create'],
      ['create', '--client', 'c', '--scopes', 'everything', '--nodes', 'n'],
      ['create', '--client', 'c', '--scopes', 'usage:read'],
      ['create', '--client', 'c', '--scopes', 'usage:read', '--nodes', 'a b'],
      ['create', '--client', 'c', '--scopes', 'usage:read', '--nodes', 'n', '--expires-days', '3651'],
      ['create', '--client', 'c', '--scopes', 'usage:read', '--nodes', 'n', 'more'],
      ['revoke'],
    ]) {
      const { exitCode, output } = await keys(...args)
      assert.equal(exitCode, 2, args.join(' '))
      assert.match(output, /Usage: npm run keys/)
    }
    assert.equal((await keys('revoke', 'ffffffffffffffff')).exitCode, 1)
  })
})
