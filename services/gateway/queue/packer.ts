/** The value of one record as it grows: an added event is encoded into it at once. */
export interface Pack<Event> {
  /** Number of events in it. */
  readonly events: number
  /** Bytes of the value if it ends here. */
  readonly sizeBytes: number
  /** Adds an event. False where the event no longer fits; the value is unchanged then. An empty pack holds any event. */
  add(event: Event): boolean
  /** The framed value; nothing is added after this call. */
  finish(): Buffer
}

/**
 * How the events of one input topic become its records. A pipeline brings this to the queue, in addition to its route.
 * Both are methods of one object, and the events of all packers go through one loop that reads nothing of an event
 * itself: each event costs two calls and no allocation.
 */
export interface Packer<Event> {
  /** The node of the event; it determines the event's partition. */
  nodeOf(event: Event): string
  /** A new record without events. */
  begin(): Pack<Event>
}
