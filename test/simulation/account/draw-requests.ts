import type { CommandKind } from '../../../schemas/records.ts'
import type { Setting } from '../../../schemas/settings.ts'
import type { CommandDraft, HeartbeatDraft } from './requests.ts'
import type { CommandEntry, Entry, EventDraft, HeartbeatEntry, Settings, UsageEntry } from '../schedule.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import { PARTITIONS } from '../services.ts'

const NODES = 3
const OPERATORS = 3
const RESERVATIONS = 4

/** A stream of chance apart from that of usage and trouble, so that those stay the same for a seed. */
const SEED_OF_REQUESTS = 0xacc0

/** Kinds of commands; those that change most are drawn more often. */
const KINDS: readonly CommandKind[] = [
  'settings',
  'settings',
  'settings',
  'reserve',
  'reserve',
  'reserve',
  'reserve',
  'release',
  'settle',
  'join',
  'claim',
  'transfer',
]

/** Commands and heartbeats among the usage of a schedule; a few events name a reservation. */
export function drawRequests(seed: number, settings: Settings, usage: readonly Entry[]): Entry[] {
  const random = new SeededRandom(seed ^ SEED_OF_REQUESTS)
  const share = random.pick([0, 3, 7])
  const events = usage.map((entry) => (entry.kind === 'usage' ? withReservations(entry, share) : entry))
  const count = random.pick([0, 4, 12, 30])
  const requests: Entry[] = []
  for (let id = 1; id <= count; id++) {
    const place = {
      atMs: random.int(0, settings.activeMs),
      gateway: random.int(0, 1),
      partition: random.int(0, PARTITIONS - 1),
      node: random.int(0, NODES - 1),
    }
    const request: CommandEntry | HeartbeatEntry = random.chance(0.3)
      ? { kind: 'heartbeat', ...place, heartbeat: drawHeartbeat(random, id) }
      : { kind: 'command', ...place, command: drawCommand(random, id) }
    requests.push(request)
    // A client without an answer sends the command again, through the other gateway, later.
    if (random.chance(0.2)) {
      const atMs = request.atMs + random.skewed(5_000)
      requests.push({ ...request, atMs, gateway: 1 - place.gateway })
    }
  }
  return [...events, ...requests]
}

function drawCommand(random: SeededRandom, id: number): CommandDraft {
  const kind = random.pick(KINDS)
  const isSetting = kind === 'settings' || (kind === 'join' && random.chance(0.5))
  return {
    id,
    kind,
    changes: isSetting ? [drawSetting(random)] : [],
    operator: ['join', 'claim', 'transfer'].includes(kind) ? random.int(0, OPERATORS - 1) : null,
    nanoUsd: random.pick([29_000_000, 290_000_000, 700_000_000]),
    ttlMs: random.pick([2_000, 60_000, 600_000]),
    reservation: kind === 'release' || random.chance(0.7) ? random.int(1, RESERVATIONS) : null,
  }
}

function drawSetting(random: SeededRandom): Setting {
  return random.pick<Setting>([
    { name: 'metered_daily_limit_usd', value: random.pick([0, 300_000_000, 1_000_000_000]) },
    { name: 'min_settlement_spark', value: random.pick([0, 10, 60, 1_000]) },
    { name: 'auto_settle', value: random.chance(0.5) },
    { name: 'max_hive_gpu_pct', value: random.int(0, 100) },
  ])
}

function drawHeartbeat(random: SeededRandom, id: number): HeartbeatDraft {
  return {
    id,
    tier: random.chance(0.2) ? random.pick(['flat', 'regional', 'central']) : null,
    operator: random.chance(0.3) ? random.int(0, OPERATORS - 1) : null,
    agents: random.pick([0, 9, 10, 60]),
    impressions: random.pick([0, 1, 11, 99, 250]),
  }
}

/** This many in ten events name a reservation; every copy names the same one, since the id decides it. */
function withReservations(entry: UsageEntry, share: number): UsageEntry {
  const named = (event: EventDraft): EventDraft =>
    event.id % 10 < share ? { ...event, reservation: 1 + (event.id % RESERVATIONS) } : event
  return { ...entry, events: entry.events.map(named) }
}
