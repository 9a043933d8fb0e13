import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { busNumber } from './bus.ts'
import { cardTable } from './table.ts'

const HEAD = 'index, pci.bus_id, power.draw [W]'

describe('the table of cards', () => {
  test('cells by the names of their columns, whatever the line ends', () => {
    assert.deepEqual(cardTable(`${HEAD}\r\n0, 00000000:2B:00.0, 71.50 W\r\n`), {
      rows: [{ index: '0', 'pci.bus_id': '00000000:2B:00.0', 'power.draw': '71.50 W' }],
      lost: 0,
    })
  })

  test('messages of the driver stand before the header and between the cards', () => {
    const message = 'Unable to determine the device handle for GPU0000:2C:00.0: GPU is lost. Reboot, please'
    const table = cardTable(
      `a warning of the driver\n${HEAD}\n0, 00000000:2B:00.0, 1 W\n${message}\nanother word\n`,
    )
    assert.deepEqual([table?.rows.length, table?.lost], [1, 1])
  })

  test('a table that was cut is none: cards may be missing after it', () => {
    const whole = `${HEAD}\n0, 00000000:2B:00.0, 71.50 W\n1, 00000000:2C:00.0, 72.50 W`
    assert.equal(cardTable(whole)?.rows.length, 2)
    for (const cut of ['1, 00000000:2C', '0, 00000000:2B', 'pci.bus_id']) {
      const end = whole.indexOf(cut) + cut.length
      assert.equal(cardTable(whole.slice(0, end)), null, cut)
    }
  })

  test('without its header no column is known', () => {
    for (const text of [
      '',
      '\n',
      '0, 00000000:2B:00.0, 71.50',
      'NVIDIA-SMI has failed',
      '{"a":',
      'power.draw [W]\n71 W',
    ])
      assert.equal(cardTable(text), null, text)
  })

  test('a host without cards says so', () => {
    assert.deepEqual(cardTable('No devices were found\n'), { rows: [], lost: 0 })
  })
})

test('the number of a bus is hexadecimal, in any of its forms', () => {
  assert.equal(busNumber('00000000:d3:00.0'), 211)
  assert.equal(busNumber('0000:0A:00.0'), 10)
  assert.equal(busNumber('0x1F'), 31)
  for (const none of ['', '[N/A]', '12', 'g1:00.0', '00000000:d3:00']) {
    assert.equal(busNumber(none), null, none)
  }
})
