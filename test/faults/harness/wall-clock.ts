const SystemDate = Date

/**
 * Lets every clock that this process asks for the time of day be wrong by `offsetMs`, kafkajs' included; monotonic
 * clocks stay. Called again, the new offset replaces the old one.
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
