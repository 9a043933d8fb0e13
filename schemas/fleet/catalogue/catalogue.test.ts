import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Algorithm } from '../inventory/algorithms.ts'
import { ALIASES_MAX, NAME_CHARACTERS_MAX } from '../inventory/bounds.ts'
import { ENTITIES } from '../inventory/entities.ts'
import { CATALOGUE } from './catalogue.ts'

/** Joules per hash that machines of these algorithms need, from the best to the worst that was ever sold in numbers. */
const POSSIBLE: Partial<Record<Algorithm, readonly [least: number, most: number]>> = {
  'SHA-256': [9e-12, 110e-12],
  Scrypt: [150e-9, 2_000e-9],
  kHeavyHash: [100e-12, 800e-12],
  X11: [1e-9, 5e-9],
  'Equihash 200,9': [2e-3, 20e-3],
  Ethash: [200e-9, 3_000e-9],
  Etchash: [200e-9, 3_000e-9],
  Eaglesong: [30e-12, 300e-12],
  Blake2S: [10e-12, 200e-12],
  Handshake: [100e-12, 2_000e-12],
  RandomX: [3e-3, 50e-3],
  Blake3: [100e-12, 1_000e-12],
}

test('the catalogue has at least 60 models of several makers and algorithms, and cards of hosts', () => {
  assert.ok(CATALOGUE.length >= 60, String(CATALOGUE.length))
  assert.ok(new Set(CATALOGUE.map(({ make }) => make)).size >= 8)
  assert.ok(new Set(CATALOGUE.map(({ algorithm }) => algorithm)).size >= 10)
  assert.ok(CATALOGUE.filter(({ algorithm }) => algorithm === null).length >= 10)
})

test('joules per hash are those that machines of the algorithm can need', () => {
  for (const { model, algorithm, nominal_hashrate_hs, nominal_power_w } of CATALOGUE) {
    if (algorithm === null) {
      assert.equal(nominal_hashrate_hs, null, model)
      continue
    }
    const [least, most] = POSSIBLE[algorithm] ?? [Number.NaN, Number.NaN]
    const joules = nominal_power_w / (nominal_hashrate_hs ?? Number.NaN)
    assert.ok(joules >= least && joules <= most, `${model}: ${joules} J a hash`)
  }
})

test('rates and watts are those in the name, where it says them', () => {
  const UNITS = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 } as const
  const named = CATALOGUE.flatMap(({ model, nominal_hashrate_hs }) => {
    const [, number, unit] = /\(([\d.]+)([kMGT])\)$/.exec(model) ?? []
    return number === undefined
      ? []
      : [{ model, nominal_hashrate_hs, said: Number(number) * UNITS[unit as 'k'] }]
  })
  assert.ok(named.length > 50)
  for (const { model, nominal_hashrate_hs, said } of named)
    assert.ok(Math.abs((nominal_hashrate_hs ?? 0) / said - 1) < 1e-9, model)
})

test('every model fits into the inventory, names its source, and no two have a name in common', () => {
  const fields = ENTITIES.model.fields
  const names = new Set<string>()
  for (const entry of CATALOGUE) {
    const { make, model, aliases, boards, chips_per_board, fans, nominal_hashrate_hs, source } = entry
    for (const text of [make, model, ...aliases])
      assert.ok(text.length > 0 && text.length <= NAME_CHARACTERS_MAX)
    assert.ok(aliases.length <= ALIASES_MAX)
    assert.ok((boards ?? 0) <= fields.boards.max && (fans ?? 0) <= fields.fans.max, model)
    assert.ok((chips_per_board ?? 0) <= fields.chips_per_board.max, model)
    assert.ok((nominal_hashrate_hs ?? 1) >= 1 && (nominal_hashrate_hs ?? 1) <= fields.nominal_hashrate_hs.max)
    assert.ok(source.startsWith(`${make}: `) && source.includes(model))
    for (const text of [model, ...aliases]) {
      const name = `${make} ${text}`
      assert.ok(!names.has(name), `${name} is there twice`)
      names.add(name)
    }
  }
})
