import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import lz4 from 'lz4-napi'
import snappy from 'snappy'

/** A record as it is in a batch of Kafka's log. */
export interface BatchRecord {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The first value of a header; null where there is none. */
  readonly header: (name: string) => Buffer | null
}

/** The positions of the fields of a batch. */
const AT = { attributes: 21, recordCount: 57, records: 61 } as const
const CODEC_MASK = 0x07

/** A foreign client's batch may have any size once unpacked; nothing in a run's log is larger. */
const UNPACKED_BYTES_MAX = 256 * 1_048_576

/** The header with which Java clients wrap blocks of Snappy. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_HEAD_BYTES = 16

const unpackers: readonly ((packed: Buffer) => Promise<Buffer>)[] = [
  async (plain) => plain,
  async (packed) => await promisify(gunzip)(packed, { maxOutputLength: UNPACKED_BYTES_MAX }),
  unpackSnappy,
  async (packed) => await lz4.decompressFrame(packed),
  async (packed) => await promisify(zstdDecompress)(packed, { maxOutputLength: UNPACKED_BYTES_MAX }),
]

/** The records of a whole data batch. Throws for an unknown codec. */
export async function recordsOf(batch: Buffer): Promise<BatchRecord[]> {
  const codec = batch.readInt16BE(AT.attributes) & CODEC_MASK
  const unpack = unpackers[codec]
  if (unpack === undefined) throw new Error(`A record batch is packed by codec ${codec}, which is not known.`)
  const reader = new Varints(await unpack(batch.subarray(AT.records)))
  const baseOffset = batch.readBigInt64BE(0)
  const count = batch.readInt32BE(AT.recordCount)
  return Array.from({ length: count }, () => readRecord(reader, baseOffset))
}

function readRecord(reader: Varints, baseOffset: bigint): BatchRecord {
  reader.next()
  // Attributes, of which none are defined yet, then the difference from the batch's time.
  reader.bytes(1)
  reader.next()
  const offset = baseOffset + BigInt(reader.next())
  const key = reader.bytes(reader.next())
  const value = reader.bytes(reader.next())
  const headers = Array.from({ length: reader.next() }, () => {
    const name = reader.bytes(reader.next())?.toString('utf8') ?? ''
    return { name, value: reader.bytes(reader.next()) }
  })
  const header = (name: string): Buffer | null => headers.find((one) => one.name === name)?.value ?? null
  return { offset, key, value, header }
}

async function unpackSnappy(packed: Buffer): Promise<Buffer> {
  const plain = async (block: Buffer): Promise<Buffer> =>
    Buffer.from(await snappy.uncompress(block, { asBuffer: true }))
  if (!packed.subarray(0, XERIAL.length).equals(XERIAL)) return await plain(packed)
  const blocks: Buffer[] = []
  for (let at = XERIAL_HEAD_BYTES; at < packed.length; ) {
    const end = at + 4 + packed.readInt32BE(at)
    blocks.push(await plain(packed.subarray(at + 4, end)))
    at = end
  }
  return Buffer.concat(blocks)
}

/** Reads zigzag numbers of seven bits a byte, and bytes between them. */
class Varints {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The next number. Times may have more than 32 bits. */
  next(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
  }

  /** The next so many bytes; null for a length below 0. */
  bytes(length: number): Buffer | null {
    if (length < 0) return null
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return bytes
  }
}
