#!/bin/bash
# first-run: the orchestrator and the workers of 2 hosts, on this machine.
# It starts them again when the orchestrator alone was told to stop (exit code 75).
# shellcheck disable=SC2016,SC2086
set -u
cd /home/me || exit 74

orchestrator='' workers='' told=''
# shellcheck disable=SC2329
stop() {
  told=1
  [ -n "$orchestrator" ] && kill -"$1" "$orchestrator" 2>/dev/null
}
trap 'stop TERM' TERM
trap 'stop USR1' USR1
trap 'stop INT' INT
trap 'stop HUP' HUP

# A trap interrupts wait, so that it has to be asked again for the exit code.
await() {
  local code before
  while :; do
    before=$told
    wait "$1"
    code=$?
    [ "$before" = "$told" ] && return "$code"
  done
}

attempt=0
while :; do
  attempt=$((attempt + 1))
  logs='/home/me/it'\''s $first/logs'/$attempt
  mkdir -p "$logs" || exit 74
  rzero run --config '/home/me/it'\''s $first/config.yml' --out /home/me/runs/first 2> >(tee -a "$logs/orchestrator.log" >&2) &
  orchestrator=$!
  workers=''
  for ((host = 0; host < 2; host++)); do
    rzero workers --config '/home/me/it'\''s $first/config.yml' --keys '/home/me/it'\''s $first/keys' --connect tcp://127.0.0.1:5555 --rendezvous 127.0.0.1:29500 --host "$host" --logs "$logs/host-$host" 2>"$logs/host-$host.log" &
    workers="$workers $!"
  done
  await "$orchestrator"
  code=$?
  for ((second = 0; second < 30; second++)); do
    kill -0 $workers 2>/dev/null || break
    sleep 1
  done
  kill -HUP $workers 2>/dev/null
  wait $workers
  if [ "$code" -ne 75 ] || [ -n "$told" ]; then
    exit "$code"
  fi
  echo "told to stop: starting again" >&2
done
