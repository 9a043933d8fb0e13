import { DAY_MS, HOUR_MS, KIB, MINUTE_MS } from '../../units.ts'

/** The bounds of a provider's inventory, as reader, task and documents share them. Both ends are allowed. */

/** Code points of a name, a serial number, a code. */
export const NAME_CHARACTERS_MAX = 64
/** Code points of an identity's value, and of what is written as a sentence. */
export const VALUE_CHARACTERS_MAX = 128
export const NOTE_CHARACTERS_MAX = 500

/** Other names of a model. */
export const ALIASES_MAX = 16
/** Workers that one window names; for more of them it names a container or a location. */
export const WINDOW_WORKERS_MAX = 500
/** Containers in containers. */
export const CONTAINER_DEPTH_MAX = 8

/** Bytes of a command's body as JSON: a window with all its workers has 20 kB. */
export const BODY_BYTES_MAX = 32 * KIB

/** All changes are on edges of so many milliseconds, counted from 1970 in UTC. */
export const EDGE_MS = 5 * MINUTE_MS
/** How far ahead a change may be planned. */
export const PLANNED_MS_MAX = 3_660 * DAY_MS
/** A version stays in the state for so long after its end: samples may be that late. */
export const VERSION_KEPT_MS = 80 * HOUR_MS
/** Versions of one entity that are kept at once; more of them must wait until the oldest have been over for long enough. */
export const VERSIONS_MAX = 64
/** How long a change stays on the list of what a record changed: longer than a task can be behind its own pages. */
export const CHANGED_KEPT_MS = HOUR_MS

/** How long a repeat of a command gets the same answer, and how many answers of a provider are kept so. */
export const OUTCOME_KEPT_MS = DAY_MS
export const OUTCOMES_PER_PROVIDER_MAX = 20_000

/** How long a node may be enrolled with a token. */
export const ENROLMENT_MS = DAY_MS

/** The largest number of watts of a site, and of a machine. */
export const CAPACITY_W_MAX = 10_000_000_000
export const POWER_W_MAX = 10_000_000
/** Rows and columns of a container. */
export const GRID_MAX = 1_000
/** The largest value of a threshold. */
export const THRESHOLD_MAX = 1_000_000_000
