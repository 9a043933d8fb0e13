/**
 * Names of algorithms, by their letters and digits alone, where miners and catalogues differ in more than capitals and signs.
 * The one on the right is the usual one.
 */
const USUAL: Readonly<Record<string, string>> = {
  autolykos: 'Autolykos2',
  autolykos2: 'Autolykos2',
  autolykosv2: 'Autolykos2',
  beamhash3: 'BeamHashIII',
  beamhashiii: 'BeamHashIII',
  daggerhashimoto: 'Ethash',
  etchash: 'Etchash',
  ethash: 'Ethash',
  kaspa: 'kHeavyHash',
  kawpow: 'KawPow',
  kheavyhash: 'kHeavyHash',
  octopus: 'Octopus',
  randomx: 'RandomX',
  rx: 'RandomX',
  rx0: 'RandomX',
}
/** Parameters alone, as in `144_5`, are those of Equihash. */
const EQUIHASH = /^(?:equihash|zhash)?[\s_]*(\d{2,3})[_/,\s]+(\d)$/i

/** The usual name of an algorithm that a miner names; as it is written where it has none here. */
export function algorithmName(written: string): string {
  const [, n, k] = EQUIHASH.exec(written) ?? []
  if (n !== undefined) return `Equihash ${n},${k}`
  const key = keyOf(written)
  return Object.hasOwn(USUAL, key) ? (USUAL[key] ?? written) : written
}

/** True where two names mean the same algorithm. */
export function isSameAlgorithm(left: string, right: string): boolean {
  return keyOf(algorithmName(left)) === keyOf(algorithmName(right))
}

function keyOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z\d]/g, '')
}
