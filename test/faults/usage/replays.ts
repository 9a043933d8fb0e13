import type { Fleet } from '../harness/fleet.ts'
import { reloadBlocks } from './reload-blocks.ts'
import { replayInbox } from './replay-inbox.ts'
import { replayUsage } from './replay-usage.ts'

/**
 * Three replays of the logs of a drained fleet: usage is counted again, the inbox is decided again, and all blocks are
 * loaded again, each by fresh processes without state. They return the differences, in words.
 */
export const REPLAYS: readonly ((fleet: Fleet) => Promise<readonly string[]>)[] = [
  replayUsage,
  replayInbox,
  reloadBlocks,
]
