import type { Adapter } from './adapter.ts'
import { readAuradine } from './auradine/adapter.ts'
import { readAvalon } from './avalon/adapter.ts'
import { readBitmain } from './bitmain/adapter.ts'
import { readBraiins } from './braiins/adapter.ts'
import { readEpic } from './epic/adapter.ts'
import { readEspminer } from './espminer/adapter.ts'
import { readHiveos } from './hiveos/adapter.ts'
import { readIceriver } from './iceriver/adapter.ts'
import { readLuxos } from './luxos/adapter.ts'
import { readNvidiaSmi } from './nvidia-smi/adapter.ts'
import { readSealminer } from './sealminer/adapter.ts'
import { readSequence } from './sequence/adapter.ts'
import { readVnish } from './vnish/adapter.ts'
import { readWhatsminer } from './whatsminer/adapter.ts'

/** Every adapter by the name that a node sends with the answers. Any other name is `unsupported`. */
export const ADAPTERS: ReadonlyMap<string, Adapter> = new Map<string, Adapter>([
  ['auradine', { gives: 'telemetry', read: readAuradine }],
  ['avalon', { gives: 'telemetry', read: readAvalon }],
  ['bitmain', { gives: 'telemetry', read: readBitmain }],
  ['braiins', { gives: 'telemetry', read: readBraiins }],
  ['epic', { gives: 'telemetry', read: readEpic }],
  ['espminer', { gives: 'telemetry', read: readEspminer }],
  ['hiveos', { gives: 'telemetry', read: readHiveos }],
  ['iceriver', { gives: 'telemetry', read: readIceriver }],
  ['luxos', { gives: 'telemetry', read: readLuxos }],
  ['nvidia-smi', { gives: 'telemetry', read: readNvidiaSmi }],
  ['sealminer', { gives: 'telemetry', read: readSealminer }],
  ['sequence', { gives: 'counters', read: readSequence }],
  ['vnish', { gives: 'telemetry', read: readVnish }],
  ['whatsminer', { gives: 'telemetry', read: readWhatsminer }],
])
