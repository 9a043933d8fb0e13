import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONFIG_KEYS, settingOf, variableOf } from '../../services/runtime/config-schema.ts'
import { loadConfig } from '../../services/runtime/config.ts'
import { EXIT, ExitError } from '../../services/runtime/exit.ts'

test('every setting that is a number: its bounds are taken, one beyond is refused by its name', () => {
  const bounded = CONFIG_KEYS.filter((key) => settingOf(key).minimum !== undefined)
  assert.ok(bounded.length > 10)
  for (const key of bounded) {
    const { minimum = Number.NaN, maximum = Number.NaN } = settingOf(key)
    // The highest possible number of copies: a record cannot wait for more copies than there are.
    const beside = key === 'replicationFactor' ? {} : { [variableOf('replicationFactor')]: '9' }
    const load = (value: number) =>
      loadConfig({ environment: { ...beside, [variableOf(key)]: String(value) } })[key]
    for (const value of [minimum, maximum]) assert.equal(load(value), value, key)
    for (const value of [minimum - 1, maximum + 1]) {
      assert.throws(
        () => load(value),
        (error) =>
          error instanceof ExitError &&
          error.exitCode === EXIT.configuration &&
          error.message.includes(variableOf(key)) &&
          error.message.includes(`a whole number from ${minimum} to ${maximum}`),
        `${key} ${value}`,
      )
    }
  }
})
