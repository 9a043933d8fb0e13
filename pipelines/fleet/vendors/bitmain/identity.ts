import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { deviceTime } from '../reading/clocks.ts'
import type { Place } from '../reading/place.ts'
import { statsHead } from './stats-body.ts'

type Identity = Pick<
  Reading,
  'model' | 'fw_ver' | 'api_ver' | 'serial' | 'mac' | 'ip' | 'hostname' | 'device_time'
>

/** Who the machine says it is, and its clock. The web names the file system's version; the compile time is the fallback. */
export function identityOf({ answers, collectedAtMs, warnings }: AdapterInput, stats: Place): Identity {
  const system = answers.of('get_system_info.cgi', 'get_system_info')
  const head = statsHead(stats)
  const status = statusOf(stats)
  return {
    model: system.at('minertype').text() ?? head.any('Type', 'type').text(),
    fw_ver: system.at('system_filesystem_version').text() ?? head.at('CompileTime').text(),
    api_ver: status.at('api_version').text(),
    serial: system.any('serinum', 'serial_no').identity(),
    mac: system.at('macaddr').mac(),
    ip: system.at('ipaddress').ip(),
    hostname: system.at('hostname').text(),
    device_time: deviceTime(status.any('When', 'when').number(), collectedAtMs, warnings),
  }
}

/** A list of one in the old generation, an object in the new one. */
function statusOf(answer: Place): Place {
  const status = answer.at('STATUS')
  return status.isList ? status.at(0) : status
}
