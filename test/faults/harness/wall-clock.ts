const SystemDate = Date

/**
 * Makes every clock from which this process reads the time of day wrong by `offsetMs`, kafkajs' included; monotonic
 * clocks stay right. When it is called again, the new offset replaces the old one.
 */
export function shiftWallClock(offsetMs: number): void {
  globalThis.Date = new Proxy(SystemDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(
        target,
        given.length === 0 ? [SystemDate.now() + offsetMs] : given,
        newTarget,
      ) as object,
    get: (target, name) =>
      name === 'now' ? () => SystemDate.now() + offsetMs : (Reflect.get(target, name) as unknown),
  })
}
