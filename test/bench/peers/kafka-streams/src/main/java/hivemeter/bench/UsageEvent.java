package hivemeter.bench;

/** What the job needs of a usage event; the other fields are skipped while decoding. */
record UsageEvent(byte[] id, String nodeId, long occurredAtMs, long durationMs, long tokens, long costNanoUsd) {}
