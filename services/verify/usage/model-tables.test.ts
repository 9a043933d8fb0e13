import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { modelsTableCodec } from '../../../schemas/avro.ts'
import { normalModelName } from '../../../schemas/model-name.ts'
import { COMPILED_TABLE, ModelTable } from '../../../schemas/model-table.ts'
import type { ModelRow } from '../../../schemas/models.ts'
import { ModelVersions, VersionSpans } from './model-tables.ts'

const recordOf = (version: number, rows: readonly ModelRow[], key = String(version)) => ({
  key: Buffer.from(key),
  value: modelsTableCodec.encode({ version, written_by: 'test', rows }),
})

/** Names made of the parts that the rules know, so that they often meet, and of anything else. */
const PARTS = `
  openai/ models/ azure/ mine/ us. us-gov. anthropic. meta. xx. gpt-4.1 gpt-4 o claude-3 -2025-04-14 -20250414 @20240620
  -v1:0 -v12:3:200k -v2 -mini / . - ä😀`
const part = fc.constantFrom(...PARTS.trim().split(/\s+/))
const name = fc.oneof(
  fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
)
const row = fc.record(
  {
    pattern: fc
      .tuple(name, fc.boolean())
      .map(([text, isBeginning]) => `${text.replaceAll('*', '')}${isBeginning ? '*' : ''}`),
    paid_api: fc.boolean(),
    tdp_watts: fc.nat(4_000),
  },
  { noNullPrototype: true },
)
const rows = fc.uniqueArray(row, { selector: ({ pattern }) => pattern, maxLength: 12 })

describe('the table of models, said twice', () => {
  it('gives the same facts here and where events are counted, for any rows and any name', () => {
    fc.assert(
      fc.property(rows, fc.array(name, { minLength: 1, maxLength: 8 }), (drawn, names) => {
        const own = new ModelVersions()
        own.add(recordOf(2, drawn))
        const table = new ModelTable(2, drawn)
        for (const one of names) {
          assert.deepEqual(own.factsOf(2, one), table.factsOf(one), one)
          assert.deepEqual(own.factsOf(1, one), COMPILED_TABLE.factsOf(one), one)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes the same away from names, and never all', () => {
    fc.assert(
      fc.property(name, (one) => {
        // A row for the normal form alone gives the answer for the name, here as there.
        const normal = normalModelName(one)
        assert.notEqual(normal, '')
        if (normal.includes('*')) return
        const own = new ModelVersions()
        own.add(recordOf(2, [{ pattern: normal, paid_api: true, tdp_watts: 7 }]))
        assert.deepEqual(own.factsOf(2, one), { paid_api: true, tdp_watts: 7 }, `${one} is ${normal}`)
      }),
      { numRuns: 2_000 },
    )
  })

  it('knows what the log holds under its own version, and reads on where a row names another', async () => {
    const rowsOf = (watts: number) => [{ pattern: 'm', paid_api: true, tdp_watts: watts }]
    const records = [
      recordOf(2, rowsOf(20)),
      recordOf(4, rowsOf(40), '3'),
      { key: Buffer.from('5'), value: Buffer.from('not ours') },
      { key: Buffer.from('!fence'), value: null },
      recordOf(1, rowsOf(10)),
    ]
    let reads = 0
    const versions = new ModelVersions(async function* () {
      reads++
      for (const [offset, { key, value }] of records.entries())
        yield { key, value, partition: 0, offset: BigInt(offset), timestampMs: 0, headers: {} }
    })
    await versions.need([1])
    assert.equal(reads, 0)
    await versions.need([1, 2, 3, 5])
    assert.equal(reads, 1)
    assert.deepEqual(
      [1, 2, 3, 4, 5].filter((version) => versions.has(version)),
      [1, 2],
    )
    assert.equal(versions.factsOf(2, 'm').tdp_watts, 20)
    assert.equal(versions.factsOf(1, 'm').tdp_watts, 170, 'version 1 is compiled in')
  })
})

describe('versions by offsets', () => {
  const spans = new VersionSpans(
    [
      { version: 4, first: 20n, last: 29n },
      { version: 2, first: 5n, last: 19n },
    ],
    9,
  )

  it('tells the version at each offset', () => {
    assert.deepEqual(
      [0n, 5n, 19n, 20n, 99n].map((offset) => spans.at(offset)),
      [2, 2, 2, 4, 4],
    )
    assert.equal(new VersionSpans([], 9).at(3n), 9)
    assert.deepEqual(
      spans.problems(() => true),
      [],
    )
  })

  it('says where a version falls, and which is in no log', () => {
    assert.deepEqual(
      spans.problems((version) => version !== 4),
      ['version 4 at offset 20, which there is not'],
    )
    const falling = new VersionSpans(
      [
        { version: 2, first: 5n, last: 25n },
        { version: 4, first: 20n, last: 29n },
      ],
      9,
    )
    assert.deepEqual(
      falling.problems(() => true),
      ['version 2 at offset 25 after version 4 at offset 20'],
    )
  })
})
