import type { Reading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'
import { firmwareName } from './firmware-name.ts'

type Identity = Pick<Reading, 'model' | 'firmware' | 'fw_ver' | 'serial' | 'mac' | 'ip' | 'hostname' | 'psus'>

/** Who the machine says it is, and which supply it has. */
export function restIdentity(details: Place, network: Place): Identity {
  const version = details.at('bos_version')
  const supply = details.at('psu_info')
  const fwVer = version.at('current').text()
  return {
    model: details.at('miner_identity').any('miner_model', 'name').text(),
    firmware: firmwareName(fwVer, version.at('bos_plus').flag()),
    fw_ver: fwVer,
    serial: details.at('serial_number').identity(),
    mac: details.at('mac_address').mac() ?? network.at('mac_address').mac(),
    ip: network.at('networks', 0, 'address').ip(),
    hostname: details.at('hostname').text() ?? network.at('hostname').text(),
    psus: supply.isObject ? [{ serial: supply.at('serial_number').identity() }] : null,
  }
}
