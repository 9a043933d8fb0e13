import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { clockS } from '../reading/cgminer.ts'
import { deviceTime } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'

type Identity = Pick<
  Reading,
  'model' | 'fw_ver' | 'api_ver' | 'serial' | 'mac' | 'ip' | 'hostname' | 'device_time'
>

/** Who the machine says it is, and its clock. Version 1 answers neither `get_miner_info` nor all of the rest. */
export function identityOfV2(
  { answers, collectedAtMs, warnings }: AdapterInput,
  summary: Place,
  status: Place,
): Identity {
  const info = answers.of('get_miner_info').at('Msg')
  const version = answers.of('get_version').at('Msg')
  const firmware =
    version.at('fw_ver').text() ??
    status.at('FirmwareVersion').text() ??
    summary.at('Firmware Version').text()
  const clocks = ['summary', 'get_version', 'status', 'edevs', 'devs'].map((request) =>
    clockS(answers.of(request)),
  )
  return {
    model: answers.of('devdetails').at('DEVDETAILS', 0, 'Model').text(),
    fw_ver: firmware?.replaceAll("'", '') ?? null,
    api_ver: version.at('api_ver').text(),
    serial: info.at('minersn').identity(),
    mac: info.at('mac').mac() ?? summary.at('MAC').mac(),
    ip: info.at('ip').ip(),
    hostname: info.at('hostname').text(),
    device_time: deviceTime(clocks.find((clock) => clock !== null) ?? null, collectedAtMs, warnings),
  }
}
