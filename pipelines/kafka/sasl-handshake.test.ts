import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { mismatch } from './check-access.ts'
import { askListener } from './sasl-handshake.ts'

/** Answers every request with these bytes, in pieces of `pieceBytes`. */
async function askOf(answer: Buffer, pieceBytes = answer.length): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      for (let at = 0; at < answer.length; at += pieceBytes)
        socket.write(answer.subarray(at, at + pieceBytes))
      socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await askListener(`127.0.0.1:${(server.address() as AddressInfo).port}`, false)
  } finally {
    server.close()
  }
}

function answerOf(errorCode: number, mechanisms: readonly string[], correlationId = 5_017): Buffer {
  const names = mechanisms.map((name) => {
    const bytes = Buffer.alloc(2 + name.length)
    bytes.writeInt16BE(name.length)
    bytes.write(name, 2)
    return bytes
  })
  const head = Buffer.alloc(14)
  const body = Buffer.concat(names)
  head.writeInt32BE(10 + body.length)
  head.writeInt32BE(correlationId, 4)
  head.writeInt16BE(errorCode, 8)
  head.writeInt32BE(mechanisms.length, 10)
  return Buffer.concat([head, body])
}

describe('a listener that is asked what it is', () => {
  it('names its mechanisms, or none', async () => {
    const answer = answerOf(33, ['PLAIN', 'SCRAM-SHA-512'])
    assert.deepEqual(await askOf(answer), { mechanisms: ['PLAIN', 'SCRAM-SHA-512'] })
    assert.deepEqual(await askOf(answer, 3), { mechanisms: ['PLAIN', 'SCRAM-SHA-512'] })
    assert.deepEqual(await askOf(answerOf(34, [])), { mechanisms: undefined })
  })

  it('is nothing of Kafka where it answers otherwise', async () => {
    assert.equal(await askOf(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), undefined)
    assert.equal(await askOf(answerOf(33, ['PLAIN'], 1)), undefined)
    assert.equal(await askOf(answerOf(33, ['PLAIN']).subarray(0, 12)), undefined)
    const tooLarge = Buffer.alloc(16)
    tooLarge.writeInt32BE(65_537)
    assert.equal(await askOf(tooLarge), undefined)
    assert.equal(await askListener('127.0.0.1:1', false), undefined)
  })

  it('is told from what the settings say', () => {
    const plain = { mechanisms: undefined }
    const sasl = { mechanisms: ['PLAIN'] }
    assert.match(
      mismatch({ asSet: undefined, otherwise: plain }, false, false)?.what ?? '',
      /speaks TLS only/,
    )
    assert.match(mismatch({ asSet: undefined, otherwise: sasl }, true, true)?.what ?? '', /speaks no TLS/)
    assert.match(mismatch({ asSet: sasl, otherwise: undefined }, true, false)?.what ?? '', /SASL PLAIN/)
    assert.equal(mismatch({ asSet: plain, otherwise: undefined }, false, false), undefined)
    assert.equal(mismatch({ asSet: sasl, otherwise: undefined }, false, true), undefined)
    assert.equal(mismatch({ asSet: undefined, otherwise: undefined }, false, false), undefined)
  })
})
