import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { readV2 } from './v2.ts'
import { deviceInfo, readV3, v3Summary } from './v3.ts'

/**
 * MicroBT's WhatsMiners. Version 1 and 2 of their interface have cgminer's form, on TCP 4028; version 3 has its own, on TCP
 * 4433. Machines of version 3 still answer a poorer version 2, so version 3 is read where it answers.
 */
export function readWhatsminer(input: AdapterInput): Reading {
  const isV3 = v3Summary(input.answers).isObject || deviceInfo(input.answers).isObject
  return isV3 ? readV3(input) : readV2(input)
}
