import { effective, isStored, stored } from '../../../pipelines/account/rules.ts'
import type { AccountRules } from '../../../pipelines/account/rules.ts'
import { decimalText } from '../../../pipelines/decimal.ts'
import type { SettingsView } from '../../../schemas/http/settings.ts'
import type { Account } from '../../../schemas/records.ts'
import { AMOUNT_DECIMALS, AMOUNT_UNIT, SETTING_NAMES, settingSpec } from '../../../schemas/settings.ts'
import type { SettingName, SettingValue } from '../../../schemas/settings.ts'

/** A value as JSON shows it: amounts with all of their decimals, since a rounded setting would be another setting. */
export function shownValue(name: SettingName, value: SettingValue): SettingValue {
  const text = exactText(name, value)
  return text === null ? value : Number(text)
}

/** An amount as decimal text; null for a value that is not an amount. */
function exactText(name: SettingName, value: SettingValue): string | null {
  if (settingSpec(name).type !== 'amount' || typeof value !== 'number') return null
  return decimalText(BigInt(value), BigInt(AMOUNT_UNIT), AMOUNT_DECIMALS)
}

/** The settings of a node: those in force, and those that it has stored. */
export function settingsView(account: Account, rules: AccountRules): SettingsView {
  const view: Record<string, unknown> = { node_id: account.node_id }
  const own: Record<string, unknown> = {}
  for (const name of SETTING_NAMES) {
    const value = effective(account, rules, name)
    view[name] = shownValue(name, value)
    if (settingSpec(name).type === 'amount') view[`${name}_exact`] = exactText(name, value)
    if (isStored(account, name)) own[name] = shownValue(name, stored(account, name))
  }
  return { ...view, stored: own } as SettingsView
}
