import type { Fleet } from '../harness/fleet.ts'
import { reloadBlocks } from './reload-blocks.ts'
import { replayInbox } from './replay-inbox.ts'
import { replayUsage } from './replay-usage.ts'

/**
 * What every log of a drained fleet says a second time: usage counted again, the inbox decided again, all blocks loaded
 * again, each by fresh processes without state. They return what came out otherwise, in words.
 */
export const REPLAYS: readonly ((fleet: Fleet) => Promise<readonly string[]>)[] = [
  replayUsage,
  replayInbox,
  reloadBlocks,
]
