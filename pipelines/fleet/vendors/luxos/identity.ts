import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { clockS } from '../reading/cgminer.ts'
import { deviceTime } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

type Identity = Pick<
  Reading,
  'model' | 'firmware' | 'fw_ver' | 'api_ver' | 'serial' | 'mac' | 'ip' | 'hostname' | 'device_time'
>

/** Who the machine says it is, and its clock. */
export function identityOf({ answers, collectedAtMs, warnings }: AdapterInput, config: Place): Identity {
  const version = answers.of('version').at('VERSION', 0)
  const head = answers.of('stats').at('STATS', 0)
  const clocks = ['summary', 'config', 'stats', 'version', 'devs'].map((request) =>
    clockS(answers.of(request)),
  )
  return {
    model: config.at('Model').text() ?? version.at('Type').text() ?? head.at('Type').text(),
    firmware: 'LuxOS',
    fw_ver: version.at('Miner').text() ?? head.at('Miner').text(),
    api_ver: version.at('API').text(),
    serial: config.at('SerialNumber').identity(),
    mac: config.at('MACAddr').mac(),
    ip: config.at('IPAddr').ip(),
    hostname: config.at('Hostname').text(),
    device_time: deviceTime(clocks.find((clock) => clock !== null) ?? null, collectedAtMs, warnings),
  }
}
