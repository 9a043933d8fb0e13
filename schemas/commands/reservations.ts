/** How long a reservation holds, in log time. */
export const RESERVATION_TTL_DEFAULT_S = 600
export const RESERVATION_TTL_MAX_S = 86_400
