#!/bin/sh
# Runs one program and ends it when standard input closes: the JVM cannot watch its parent, and the kernel closes
# the pipe however the parent dies (kill -9 too). Says the program's pid on file descriptor 3 and ends with its status.
exec 4<&0
"$@" 3>&- 4<&- </dev/null &
program=$!
echo "$program" >&3
exec 3>&-
(
  while read -r _; do :; done
  kill -TERM "$program" 2>/dev/null
  tries=0
  while kill -0 "$program" 2>/dev/null && [ "$tries" -lt 60 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$program" 2>/dev/null
) <&4 4<&- >/dev/null 2>&1 &
watcher=$!
exec 4<&-
wait "$program"
status=$?
kill -KILL "$watcher" 2>/dev/null
exit "$status"
