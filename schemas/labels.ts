import { isFreeText } from './ids.ts'
import { USAGE_BOUNDS } from './usage.ts'

/** Names of labels, as a pattern of JSON schema. */
export const LABEL_NAME_PATTERN = `^[a-z0-9_]{1,${USAGE_BOUNDS.labelNameMax}}$`

const NAME = new RegExp(LABEL_NAME_PATTERN)

export function isLabelName(text: string): boolean {
  return NAME.test(text)
}

/** 1 to 64 code points, none of them a control, surrogate or unassigned one. */
export function isLabelValue(text: string): boolean {
  return isFreeText(text) && Array.from(text).length <= USAGE_BOUNDS.labelValueMax
}
