import { join } from 'node:path';
import { awaitWorkers, type Job, type JobFile, runWords, type Submission, type Target, workersWords } from './job.ts';
import { command, quote } from './shell.ts';

/** A script that runs the orchestrator and all hosts' workers on one machine. */
export const local: Target = {
  files: (job) => [script(job)],
  submission: ({ folder }): Submission => ({
    submit: ['bash', join(folder, 'run.sh')],
    watch: ['tail', '-f', join(folder, 'logs', '1', 'orchestrator.log')],
  }),
};

function script(job: Job): JobFile {
  const { folder, config, hosts, workingFolder } = job;
  const file = join(folder, 'config.yml');
  const host0 = job.spans ? ['--rendezvous', `127.0.0.1:${config.launch.rendezvousPort}`] : [];
  const connect = ['--connect', `tcp://127.0.0.1:${config.launch.port}`];
  const workers = command([...workersWords(job, file, join(folder, 'keys')), ...connect, ...host0]);
  const text = `#!/bin/bash
# ${job.name}: the orchestrator and the workers of ${hosts === 1 ? 'one host' : `${hosts} hosts`}, on this machine.
# It starts them again when the orchestrator alone was told to stop (exit code 75).
# shellcheck disable=SC2016,SC2086
set -u
cd ${quote(workingFolder)} || exit 74

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
  logs=${quote(join(folder, 'logs'))}/$attempt
  mkdir -p "$logs" || exit 74
  ${command(runWords(job, file))} 2> >(tee -a "$logs/orchestrator.log" >&2) &
  orchestrator=$!
  workers=''
  for ((host = 0; host < ${hosts}; host++)); do
    ${workers} --host "$host" --logs "$logs/host-$host" 2>"$logs/host-$host.log" &
    workers="$workers $!"
  done
  await "$orchestrator"
  code=$?
${awaitWorkers('$workers').replace(/^/gm, '  ')}
  kill -HUP $workers 2>/dev/null
  wait $workers
  if [ "$code" -ne 75 ] || [ -n "$told" ]; then
    exit "$code"
  fi
  echo "told to stop: starting again" >&2
done
`;
  return { path: 'run.sh', text, mode: 0o755 };
}
