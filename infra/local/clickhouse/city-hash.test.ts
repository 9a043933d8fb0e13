import assert from 'node:assert/strict'
import { it } from 'node:test'
import { cityHash128 } from './city-hash.ts'

/** The length, then the two halves as github.com/go-faster/city v1.0.1 (used by clickhouse-go itself) computes them. */
const KNOWN: readonly (readonly [length: number, low: bigint, high: bigint])[] = [
  [0, 0x3df09dfc64c09a2bn, 0x3cb540c392e51e29n],
  [1, 0x5a03ab4f802b3f6cn, 0x58a88a3c8a31e91an],
  [3, 0x3108fa6b1da16986n, 0x32301bf0c250612dn],
  [4, 0x2b36229ba99aa334n, 0x25e1c052f6408d75n],
  [7, 0x4d6955e1bc4624e3n, 0x252e8c015f4c9bd0n],
  [8, 0x9feb346ce8e35a98n, 0xf2f9f1185545d8ban],
  [9, 0x80885008a99d77f2n, 0x0854364fe84aef88n],
  [15, 0x1443b6470aa1c7ffn, 0x70f998835a684c59n],
  [16, 0x4e7e2890890c933dn, 0x9b6511d6440477c7n],
  [17, 0xf0e9ed04b1c7f44en, 0x8a17c6d04d5431aen],
  [31, 0x99f185112aa9cd7en, 0xd42762edf0508928n],
  [32, 0xadf0df935f46a6c9n, 0x45c6069d82f7b2fcn],
  [33, 0x8a065e613be6ff11n, 0x35542546810ca846n],
  [64, 0x37e881b2006b0cf6n, 0xab8b4e4141170843n],
  [127, 0x2484cd18dc147d2cn, 0x461eb40c3963012en],
  [128, 0x51bff79056911c90n, 0x28a897f9bc9c1b9fn],
  [143, 0x2306b4d414b0d326n, 0xe980bd41eb516895n],
  [144, 0x9ba176029dbc7f22n, 0xa99caea46164a108n],
  [159, 0xf396244edd5cbba5n, 0x7b833d9145c56e8en],
  [160, 0x8d2443f7aca2006dn, 0xcb91be098bba4d35n],
  [271, 0x53032d915a9ee82fn, 0x740b403ab987cf3en],
  [272, 0x48b20684ded03309n, 0x10163f6def1291c2n],
  [1000, 0x99dd0d90658d4424n, 0x70f54ed52c308cc0n],
  [4096, 0x6c8f4ae972c7d8a0n, 0xad71c1daf85200b2n],
]

it('hashes as ClickHouse does, from every way through the algorithm', () => {
  for (const [length, low, high] of KNOWN) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 7 + length)
    assert.deepEqual(cityHash128(bytes), [low, high], `${length} bytes`)
    // The bytes of a Buffer may be anywhere in memory.
    assert.deepEqual(cityHash128(Buffer.from([0, ...bytes, 0]).subarray(1, -1)), [low, high])
  }
})
