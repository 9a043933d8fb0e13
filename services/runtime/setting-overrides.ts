import { SETTING_NAMES, settingSpec } from '../../schemas/settings.ts'

/** Variables of the original that are settings of this server, not of nodes. */
export const ORIGINAL_VARIABLES = {
  HEVOLVE_SPARK_PER_USD: 'sparkPerUsd',
  HEVOLVE_STALE_THRESHOLD: 'staleAfterS',
  HEVOLVE_DEAD_THRESHOLD: 'deadAfterS',
} as const

/**
 * The overrides, with those of the original's variables put over them. A flag is on for true, 1 and yes, in any letter
 * case; numbers are taken as they are written.
 */
export function withOriginalOverrides(
  json: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const members: string[] = []
  for (const name of SETTING_NAMES) {
    const { override, type } = settingSpec(name)
    const text = override === undefined ? undefined : environment[override]
    if (text === undefined) continue
    members.push(`${JSON.stringify(name)}:${valueText(type, text)}`)
  }
  if (members.length === 0) return json
  const inner = json.trim().replace(/^\{/, '').replace(/\}$/, '').trim()
  return `{${[...(inner === '' ? [] : [inner]), ...members].join(',')}}`
}

function valueText(type: string, text: string): string {
  if (type === 'flag') return String(/^(true|1|yes)$/i.test(text.trim()))
  if (type === 'word') return JSON.stringify(text)
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? text.trim() : JSON.stringify(text)
}
