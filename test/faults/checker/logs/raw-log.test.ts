import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { test } from 'node:test'
import { readBatches } from './raw-log.ts'

const NOT_LEADER = 6
const UNKNOWN_TOPIC = 3

/** A broker that answers every Fetch with an error, or with an empty log. */
async function broker(error: number): Promise<{ readonly address: string; readonly server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      // Correlation id, throttle, one topic "t", one partition 0; error, high watermark, last stable offset, none aborted, no bytes.
      const answer = Buffer.alloc(4 + 4 + 4 + 3 + 4 + 4 + 2 + 8 + 8 + 4 + 4)
      answer.writeInt32BE(1, 8)
      answer.writeInt16BE(1, 12)
      answer.write('t', 14)
      answer.writeInt32BE(1, 15)
      answer.writeInt16BE(error, 23)
      const size = Buffer.alloc(4)
      size.writeInt32BE(answer.length)
      socket.write(Buffer.concat([size, answer]))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('a partition that has moved is read on from its new leader; any other error ends the reading', async () => {
  const [old, present, unknown] = await Promise.all([broker(NOT_LEADER), broker(0), broker(UNKNOWN_TOPIC)])
  const read = async (...leaders: readonly string[]): Promise<number> => {
    let queried = 0
    const leader = async (): Promise<string> => leaders[Math.min(queried++, leaders.length - 1)] ?? ''
    const batches = readBatches({ leader, topic: 't', partition: 0, from: 0n })
    for await (const batch of batches) assert.fail(`a log of nothing gives ${batch.header.baseOffset}`)
    return queried
  }
  try {
    assert.equal(await read(present.address), 1)
    // The brokers learn of the move one after the other.
    assert.equal(await read(old.address, old.address, present.address), 3)
    await assert.rejects(read(unknown.address, present.address), /Kafka's error 3/)
  } finally {
    for (const { server } of [old, present, unknown]) server.close()
  }
})
