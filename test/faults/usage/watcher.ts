import type { Dice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import type { Fleet } from '../harness/fleet.ts'
import type { History } from './history.ts'

const PAUSE_MS = 150
const ANSWER_TIMEOUT_MS = 5_000

/** Queries both readers for nodes and wallets all the time, as a provider would, and keeps every answer for the checker. */
export async function watchReaders(
  fleet: Fleet,
  history: History,
  nodes: readonly string[],
  dice: Dice,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const node = dice.pick(nodes)
    const reader = dice.pick(fleet.of('reader'))
    const paths = {
      provider: `/api/settings/compute/provider?node_id=${node}`,
      wallet: `/api/wallets/operator-of-${node}`,
    } as const
    const route = dice.next() < 0.7 ? 'provider' : 'wallet'
    const sentMs = systemClock.nowMs()
    try {
      const response = await fetch(`${reader.url}${paths[route]}`, {
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      })
      const body: unknown = await response.json()
      if (response.status === 200) {
        history.answer({ atMs: systemClock.nowMs(), sentMs, reader: reader.title, route, node, body })
      }
    } catch {
      // A reader that is down or frozen answers nothing: there is nothing to check.
    }
    await systemClock.delay(PAUSE_MS, signal)
  }
}
