import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAnswers } from '../../../../test/support/fleet/read-answers.ts'
import type { Asked, ReadAnswers } from '../../../../test/support/fleet/read-answers.ts'

const HOST = { make: 'host', model: 'Model host', algorithm: null }

const read = (asked: Asked, context = {}): ReadAnswers =>
  readAnswers('nvidia-smi', asked, { model: HOST, ...context })
const table = (...lines: string[]): Asked => ({ 'query-gpu': [...lines, ''].join('\n') })

describe('nvidia-smi', () => {
  test('cells without units, and columns under their other names', () => {
    const { telemetry } = read(
      table(
        'gpu_name, gpu_bus_id, enforced.power.limit [W], clocks.gr [MHz], power.draw.instant [W]',
        'Card Z, 00000000:0B:00.0, 220.00, 1500, 101.25',
      ),
    )
    const [card] = telemetry.gpu ?? []
    assert.deepEqual(
      [card?.model, card?.bus, card?.power_limit_w, card?.core_mhz, card?.power_w],
      ['Card Z', 11, 220, 1_500, 101.25],
    )
    assert.deepEqual(
      [telemetry.power_w, telemetry.power_source, telemetry.is_mining],
      [101.25, 'gpu_sum', null],
    )
  })

  test('0 W is a reading, a missing card is not: then the sum is a lower bound', () => {
    const lines = ['index, power.draw [W]', '0, 0.00 W', '1, 55.50 W']
    assert.equal(read(table(...lines)).telemetry.power_w, 55.5)
    const { telemetry, warnings } = read(table(...lines), { gpus_expected: 4 })
    assert.deepEqual(
      [telemetry.power_w, telemetry.power_lower_bound_w, telemetry.gpus_online],
      [null, 55.5, 2],
    )
    assert.deepEqual(warnings, ['gpu_missing:2', 'power_partial'])
    const named = read(
      table(...lines, 'Unable to determine the device handle for GPU0000:2C:00.0: Unknown Error'),
    )
    assert.deepEqual([named.telemetry.gpus_expected, named.warnings], [3, ['gpu_missing:1', 'power_partial']])
  })

  test('no cards at all, and no table', () => {
    const none = read(table('No devices were found'), { gpus_expected: 2 })
    assert.deepEqual(
      [none.telemetry.gpu, none.telemetry.gpus_online, none.warnings],
      [[], 0, ['gpu_missing:2']],
    )
    const failed = read(table('NVIDIA-SMI has failed because it could not reach the driver'), {
      gpus_expected: 2,
    })
    assert.deepEqual(
      [failed.telemetry.gpu, failed.telemetry.gpus_online, failed.warnings],
      [null, null, ['answer_unusable:query-gpu']],
    )
    assert.deepEqual(read({}).warnings, [])
  })
})

describe('the DCGM exporter', () => {
  const labels = (gpu: number): string =>
    `gpu="${gpu}",pci_bus_id="00000000:1${gpu}:00.0",modelName="Card \\"Y\\"",Hostname="h"`
  const metric = (name: string, gpu: number, value: string): string =>
    `DCGM_FI_DEV_${name}{${labels(gpu)}} ${value}`
  const lines = [
    '# HELP DCGM_FI_DEV_GPU_TEMP a temperature',
    metric('GPU_TEMP', 0, '51'),
    metric('GPU_TEMP', 1, '52'),
    metric('MEMORY_TEMP', 0, '0'),
    metric('POWER_USAGE', 0, '201.5'),
    metric('POWER_USAGE', 1, '198.5'),
    metric('XID_ERRORS', 0, '0'),
    metric('XID_ERRORS', 1, '79'),
    metric('TOTAL_ENERGY_CONSUMPTION', 0, '7200000'),
    metric('TOTAL_ENERGY_CONSUMPTION', 1, '3600000'),
    'another_metric{gpu="5"} 1',
  ]

  test('cards, energy in watt-hours, and the last code of the driver, which is no count', () => {
    const { telemetry, warnings } = read({ dcgm: lines.join('\n') })
    assert.deepEqual(
      telemetry.gpu?.map((card) => [card.bus, card.temp_c, card.mem_temp_c, card.power_w]),
      [
        [16, 51, null, 201.5],
        [17, 52, null, 198.5],
      ],
    )
    assert.deepEqual([telemetry.power_w, telemetry.energy_wh_total, telemetry.gpus_online], [400, 3, 2])
    assert.deepEqual(
      telemetry.errors?.map((error) => error.vendor_code),
      ['xid:79'],
    )
    assert.deepEqual(warnings, [])
  })

  test('energy of some of the cards is not that of the host', () => {
    assert.equal(read({ dcgm: lines.slice(0, -2).join('\n') }).telemetry.energy_wh_total, null)
    assert.equal(read({ dcgm: lines.join('\n') }, { gpus_expected: 3 }).telemetry.energy_wh_total, null)
  })

  test('beside the table it gives energy and errors', () => {
    const { telemetry } = read({
      ...table('index, power.draw [W]', '0, 150.00 W', '1, 160.00 W'),
      dcgm: lines.join('\n'),
    })
    assert.deepEqual([telemetry.power_w, telemetry.energy_wh_total, telemetry.errors?.length], [310, 3, 1])
  })

  test('a text without its metrics is unusable', () => {
    assert.deepEqual(read({ metrics: 'up 1\n' }).warnings, ['answer_unusable:metrics'])
  })
})
