import type { Asked } from './machines/machine-poller.ts'
import type { Machine } from './config/agent-config.ts'
import type { Disk } from './spool/disk.ts'

/**
 * Keeps the newest raw answers of each machine, as a file that `--normalise` reads. They may hold passwords of pools: this is the
 * one place where they go, at the owner's wish, and only the owner can read it.
 */
export async function keepRaw(
  disk: Disk,
  machine: Machine,
  asked: readonly Asked[],
  atMs: number,
): Promise<void> {
  const { adapter, address, givenContext: context } = machine
  const answers = asked.flatMap(({ request, outcome }) =>
    outcome.kind === 'answer' ? [{ request, body_text: outcome.text }] : [],
  )
  if (answers.length === 0) return
  const name = `${address.replaceAll(/[^\w.-]/g, '_')}.json`
  const document = { adapter, collected_at: new Date(atMs).toISOString(), context, answers }
  await disk.remove(name)
  await disk.append(name, Buffer.from(JSON.stringify(document)))
}
