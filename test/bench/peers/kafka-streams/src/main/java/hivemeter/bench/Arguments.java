package hivemeter.bench;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Arguments in the form `--name value`.
 *
 * @param idStepMs an id is kept under its time rounded down to this; an exact repeat shares it
 * @param ends the offset that each partition of the input must reach, in the order of the partitions
 */
record Arguments(
    String brokers,
    String topic,
    String output,
    String application,
    String stateDir,
    List<Long> ends,
    long events,
    long idStepMs) {
  static Arguments of(String[] words) {
    Map<String, String> given = new HashMap<>();
    for (int at = 0; at + 1 < words.length; at += 2) given.put(words[at], words[at + 1]);
    return new Arguments(
        required(given, "--brokers"),
        required(given, "--topic"),
        required(given, "--output"),
        required(given, "--application"),
        required(given, "--state-dir"),
        Arrays.stream(required(given, "--ends").split(",")).map(Long::valueOf).toList(),
        Long.parseLong(required(given, "--events")),
        Long.parseLong(required(given, "--id-step-ms")));
  }

  private static String required(Map<String, String> given, String name) {
    String value = given.get(name);
    if (value == null) throw new IllegalArgumentException(name + " is missing");
    return value;
  }
}
