/** Hours of five and a half years in a zone with summer time: as many windows as one answer may have. */
export const YEARS_OF_HOURS = 'window=1h&tz=Europe/Berlin&from=2021-04-01T00:00:00Z&to=2026-10-01T00:00:00Z'
