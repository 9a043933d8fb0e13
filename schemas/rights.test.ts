import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PRINCIPALS, PRINCIPAL_PATTERN, RIGHTS, aclsOf, topicsOf } from './rights.ts'
import type { Acl, Principal, TopicOperation } from './rights.ts'
import { TOPICS, TOPIC_ROLES } from './topics.ts'
import type { TopicRole } from './topics.ts'

const placeOf = ({ principal, resource, name, pattern, operation }: Acl): string =>
  [principal, resource, pattern, name, operation].join(' ')

/** In the first version of the topic, or in one that a growth creates. */
function allowed(principal: Principal, role: TopicRole, operation: TopicOperation): boolean {
  const { topics, newVersions } = RIGHTS[principal]
  return [topics, newVersions].some((operations) => operations?.[role]?.includes(operation))
}

test('every topic has somebody who makes it, who writes it and who reads it', () => {
  const holders = (role: TopicRole, operation: TopicOperation): Principal[] =>
    PRINCIPALS.filter((principal) => allowed(principal, role, operation))
  for (const role of TOPIC_ROLES) {
    assert.deepEqual(holders(role, 'Create'), ['migrate'], role)
    assert(holders(role, 'Write').length > 0 && holders(role, 'Read').length > 0, role)
  }
  assert.deepEqual(holders('nodeState', 'Write'), ['settler', 'migrate'])
  assert.deepEqual(holders('usageBlocks', 'Write'), ['aggregator'])
  assert.deepEqual(holders('settlementBlocks', 'Write'), ['settler'])
  assert.deepEqual(holders('fleetInbox', 'Write'), ['gateway', 'fleet', 'reader'])
  assert.deepEqual(holders('fleetBlocks', 'Write'), ['fleet'])
})

test('whoever is outside may write usage and nothing else', () => {
  assert.deepEqual(RIGHTS.producer, {
    topics: { usageMetered: ['Write'] },
    groups: [],
    transactionalIds: [],
  })
})

test('names carry the prefix, principals the pattern, and no right stands twice or lies within another', () => {
  for (const prefix of ['', 'eu.']) {
    const acls = aclsOf(prefix, PRINCIPAL_PATTERN)
    assert.equal(new Set(acls.map(placeOf)).size, acls.length)
    assert(acls.every(({ name }) => name.startsWith(prefix)))
    for (const wide of acls.filter(({ pattern }) => pattern === 'prefixed')) {
      const within = acls.filter(
        (acl) =>
          acl !== wide &&
          acl.principal === wide.principal &&
          acl.resource === wide.resource &&
          acl.operation === wide.operation &&
          acl.name.startsWith(wide.name),
      )
      assert.deepEqual(within, [])
    }
  }
  const [first] = aclsOf('', 'User:CN={service},O=Example')
  assert.equal(first?.principal, 'User:CN=gateway,O=Example')
})

test('docs/security.md says of every principal what it reads and writes', () => {
  const page = readFileSync(new URL('../docs/security.md', import.meta.url), 'utf8')
  const rows = new Map(
    page
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, principal = '', ...cells]) => [principal, cells]),
  )
  for (const principal of PRINCIPALS) {
    const [reads = '', writes = ''] = rows.get(principal) ?? []
    const named = (cell: string): string[] =>
      cell
        .replace("the installation's name", TOPICS.installation.name)
        .split(', ')
        .filter((name) => name !== '')
        .sort()
    const having = (operation: TopicOperation): string[] =>
      topicsOf(principal)
        .filter((role) => allowed(principal, role, operation))
        .map((role) => TOPICS[role].name)
    // Everything that uses ClickHouse reads the installation's name, which the page says for all at once.
    const own = (names: string[]): string[] =>
      names.filter((name) => name !== TOPICS.installation.name).sort()
    assert.deepEqual(named(reads), own(having('Read')), principal)
    assert.deepEqual(named(writes), having('Write').sort(), principal)
  }
})
