import { SETTING_NAMES, settingSpec } from '../../schemas/settings.ts'
import type { Setting, SettingName, SettingValue } from '../../schemas/settings.ts'
import { isJsonObject } from '../json/json-object.ts'
import { Refusal } from '../json/refusal.ts'
import { FieldReader } from '../json/field-reader.ts'

/** What is wrong with one field. */
export interface SettingFault {
  /** JSON pointer. */
  readonly path: string
  readonly code: string
  readonly message: string
}

/**
 * Reads settings from parsed JSON exactly (numbers that a double may not hold arrive as their text). Collects what is
 * wrong with every field; where anything is wrong, nothing may be stored.
 */
export class SettingsReader {
  readonly errors: SettingFault[] = []

  /** The known members in the order of the table. The caller decides with `unknown` what happens to unknown ones. */
  read(item: unknown, unknown: 'ignore' | 'refuse'): Setting[] {
    if (item instanceof Refusal) {
      this.#add(item.path, item.code, item.detail)
      return []
    }
    if (!isJsonObject(item)) {
      this.#add('', 'not_an_object', 'Settings are a JSON object.')
      return []
    }
    const settings: Setting[] = []
    for (const name of SETTING_NAMES) {
      if (!Object.hasOwn(item, name)) continue
      const value = this.#value(name, item[name])
      if (value !== undefined) settings.push({ name, value })
    }
    if (unknown === 'refuse') {
      for (const name of Object.keys(item)) {
        if (!(SETTING_NAMES as readonly string[]).includes(name))
          this.#add(`/${name}`, 'unknown_field', 'Is no setting of a node.')
      }
    }
    return settings
  }

  #value(name: SettingName, value: unknown): SettingValue | undefined {
    const path = `/${name}`
    const { type, nullable, minimum = 0, maximum = 0, words = [] } = settingSpec(name)
    if (value === null) {
      if (nullable) return null
      this.#add(path, 'wrong_type', 'Must not be null.')
      return undefined
    }
    const reader = new FieldReader()
    const read = readValue(reader, type, value, path, words, maximum)
    if (reader.refusal === null && typeof read === 'number' && read < minimum)
      reader.refuse('out_of_range', path, `Must be at least ${minimum}.`)
    if (reader.refusal === null) return read
    this.#add(path, reader.refusal.code, reader.refusal.detail)
    return undefined
  }

  #add(path: string, code: string, message: string): void {
    this.errors.push({ path: path === '' ? '/' : path, code, message })
  }
}

function readValue(
  reader: FieldReader,
  type: 'flag' | 'integer' | 'amount' | 'word',
  value: unknown,
  path: string,
  words: readonly string[],
  maximum: number,
): SettingValue {
  if (type === 'integer') return reader.integer(value, path, maximum, 0)
  if (type === 'amount') return reader.amount(value, path, maximum)
  if (type === 'word') return reader.oneOf(value, path, words)
  if (typeof value !== 'boolean') reader.refuse('wrong_type', path, 'Must be true or false.')
  return value === true
}
