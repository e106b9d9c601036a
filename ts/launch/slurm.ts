import { dirname, join } from 'node:path';
import {
  awaitWorkers,
  type Job,
  type JobFile,
  LaunchError,
  runWords,
  type Submission,
  secondsToStop,
  type Target,
  workersWords,
} from './job.ts';
import { command, quote } from './shell.ts';

/** A batch job: the orchestrator on the first node, the workers of a host on each. */
export const slurm: Target = {
  files: (job) => [script(job)],
  submission: ({ folder, name }): Submission => ({
    submit: ['sbatch', join(folder, 'job.sbatch')],
    watch: ['squeue', '--me', '--name', name],
  }),
};

function script(job: Job): JobFile {
  const { folder, config, workingFolder, name } = job;
  const { port, rendezvousPort, slurm: site } = config.launch;
  const file = join(folder, 'config.yml');
  const rendezvous = job.spans ? ` --rendezvous "$head:${rendezvousPort}"` : '';
  const step = stepWords(job);
  const text = `#!/bin/bash
${directives(job)
  .map((line) => `#SBATCH ${line}`)
  .join('\n')}

# ${name}: the orchestrator on the first node, and on each node the workers that the plan puts there.
# shellcheck disable=SC2016
set -u
restarts=\${SLURM_RESTART_COUNT:-0}
logs=${quote(join(folder, 'logs'))}/$SLURM_JOB_ID-$restarts
mkdir -p "$logs" || exit 74
cd ${quote(workingFolder)} || exit 74
${site.prologue.map((line) => `${line}\n`).join('')}head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

# Slurm warns this shell alone, which passes it on, once: a second signal would end the orchestrator at once. SIGTERM
# reaches its step without us.
told=''
# shellcheck disable=SC2329
warn() {
  again=1
  if [ -z "$told" ]; then
    told=1
    kill -USR1 "$orchestrator" 2>/dev/null
  fi
}
trap warn USR1
trap 'again=1' TERM

srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" --cpu-bind=none --output="$logs/orchestrator.log" \\
  ${step}${command(runWords(job, file))} &
orchestrator=$!
srun --overlap --kill-on-bad-exit=0 --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \\
  --ntasks-per-node=1 --cpu-bind=none --output="$logs/host-%n.log" \\
  ${step}sh -c 'exec "$@" --host "$SLURM_NODEID"' sh \\
  ${command(workersWords(job, file, join(folder, 'keys')))} \\
  --connect "tcp://$head:${port}"${rendezvous} --logs "$logs" &
workers=$!

# In the background and waited for, since bash runs no trap before its command ends; a trap interrupts wait.
while :; do
  again=''
  wait "$orchestrator"
  code=$?
  [ -z "$again" ] && break
done
# What is left of the workers then, Slurm ends with this script.
${awaitWorkers('"$workers"')}
if [ "$code" -eq 75 ]; then
  if [ "$restarts" -lt ${site.requeues} ]; then
    scontrol requeue "$SLURM_JOB_ID"
  else
    echo "told to stop, and queued again ${site.requeues} times already (launch.slurm.requeues)" >&2
  fi
fi
exit "$code"
`;
  return { path: 'job.sbatch', text, mode: 0o755 };
}

function directives(job: Job): string[] {
  const { folder, hosts, gpusPerHost, config, name } = job;
  const { partition, account, qos, time, constraint, gpus, memory, directives: more } = config.launch.slurm;
  const given = (option: string, value: string): string[] => (value === '' ? [] : [`--${option}=${word(value)}`]);
  const wanted = gpusPerHost === 0 || gpus === 'none' ? '' : gpus === 'gres' ? `gpu:${gpusPerHost}` : `${gpusPerHost}`;
  return [
    `--job-name=${name}`,
    `--nodes=${hosts}`,
    '--ntasks-per-node=1',
    ...given(gpus, wanted),
    '--exclusive',
    ...given('mem', memory),
    ...given('partition', partition),
    ...given('account', account),
    ...given('qos', qos),
    ...given('time', time),
    ...given('constraint', constraint),
    '--requeue',
    '--open-mode=append',
    `--signal=B:USR1@${secondsToStop(job)}`,
    // Slurm reads what follows a % itself.
    `--output=${word(join(folder, 'logs', '%j.log').replace(/%(?!j\.log$)/g, '%%'))}`,
    ...more,
  ];
}

/** A value as sbatch reads it in a script: in double quotes where it has blanks or quotes. */
function word(text: string): string {
  return /^[^\s"'\\#]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** What a step puts before its command, with a blank behind it: options of srun for its container, or what enters one. */
function stepWords(job: Job): string {
  const { container, image, mounts } = job.config.launch.slurm;
  if (container === 'none') return '';
  if (image === '') {
    throw new LaunchError(`option "launch.slurm.image" is "": ${container} needs the image that the job runs in`);
  }
  const shared = [job.folder, job.workingFolder, dirname(job.run)].filter(
    (path, index, all) => all.indexOf(path) === index,
  );
  const all = [...shared.map((path) => `${path}:${path}`), ...mounts];
  const odd = all.find((mount) => /,/.test(mount) || mount.split(':').length > 3);
  if (odd !== undefined) {
    throw new LaunchError(
      `option "launch.slurm.mounts": ${odd} has a comma or colon, which ${container} takes for its own`,
    );
  }
  return container === 'pyxis'
    ? `${command([`--container-image=${image}`, `--container-mounts=${all.join(',')}`, `--container-workdir=${job.workingFolder}`])} \\\n  `
    : `${command(['apptainer', 'exec', '--nv', '--bind', all.join(','), '--pwd', job.workingFolder, image])} \\\n  `;
}
