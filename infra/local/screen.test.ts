import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { GivenUp } from './part.ts'
import { Screen } from './screen.ts'

function screenOn(isTTY: boolean): { screen: Screen; text: () => string } {
  const out = Object.assign(new PassThrough(), { isTTY, columns: 80 })
  const screen = new Screen(out as unknown as NodeJS.WriteStream)
  return { screen, text: () => String(out.read() ?? '') }
}

describe('the screen', () => {
  it('prints plain lines in a pipe, one per step with its time', async () => {
    const { screen, text } = screenOn(false)
    await screen.step('Kafka', async (progress) => {
      progress('3 MB')
      return 'Kafka 4.3.1'
    })
    assert.match(text(), /^ {2}✓ Kafka 4\.3\.1 {2}0\.\d s\n$/)
  })

  it('marks what failed and what was given up, and throws it on', async () => {
    const { screen, text } = screenOn(false)
    await assert.rejects(
      screen.step('loader', () => Promise.reject(new Error('no'))),
      /no/,
    )
    await assert.rejects(screen.step('reader', () => Promise.reject(new GivenUp('reader'))))
    assert.match(text(), /^ {2}✗ loader {2}0\.\d s\n {2}– reader {2}0\.\d s\n$/)
  })

  it('rewrites the last line on a terminal and leaves only what stays', async () => {
    const { screen, text } = screenOn(true)
    await screen.step('Kafka', async () => {
      screen.say('a note')
      return 'Kafka 4.3.1'
    })
    // What is left after each erased line: the terminal's view.
    const left = text()
      .split('\n')
      .map((line) => line.split('\r\u001B[2K').at(-1))
    assert.equal(left[0], 'a note')
    assert.match(left[1] ?? '', /^ {2}✓ Kafka/)
  })
})
