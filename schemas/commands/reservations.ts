import { DAY_S } from '../units.ts'

/** How long a reservation holds, in log time. */
export const RESERVATION_TTL_DEFAULT_S = 600
export const RESERVATION_TTL_MAX_S = DAY_S
