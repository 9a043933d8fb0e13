import { account } from './account/account.ts'
import type { Actor } from './actor.ts'
import { fleet } from './fleet/fleet.ts'
import { usage } from './usage/usage.ts'

/** Each pipeline is a row here, in the order in which work goes through them. */
export const ACTORS: readonly Actor[] = [usage, account, fleet]
