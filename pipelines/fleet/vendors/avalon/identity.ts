import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { clockS } from '../reading/cgminer.ts'
import { deviceTime } from '../reading/clocks.ts'

type Identity = Pick<Reading, 'model' | 'fw_ver' | 'api_ver' | 'serial' | 'mac' | 'device_time'>

/** Who the machine says it is. Most have no clock: what they show counts from their start. */
export function identityOf({ answers, collectedAtMs, warnings }: AdapterInput): Identity {
  const version = answers.of('version').at('VERSION', 0)
  const clocks = ['version', 'estats', 'stats', 'devs'].map((request) => clockS(answers.of(request)))
  return {
    model: version.any('PROD', 'MODEL').text(),
    fw_ver: version.any('VERSION', 'LVERSION', 'CGVERSION').text(),
    api_ver: version.at('API').text(),
    serial: version.at('DNA').identity(),
    mac: version.at('MAC').mac(),
    device_time: deviceTime(clocks.find((clock) => clock !== null) ?? null, collectedAtMs, warnings),
  }
}
