import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  awaitWorkers,
  type Job,
  type JobFile,
  LaunchError,
  runWords,
  type Submission,
  type Target,
  workersWords,
} from './job.ts';
import { command, quote } from './shell.ts';

/** Where a node has config.yml and the keys, as SkyPilot copies them. */
const COPIED = '~/rzero-job';

/** GPUs as SkyPilot calls them. */
const ACCELERATORS: Readonly<Record<string, string>> = {
  'a100-40': 'A100',
  'a100-80': 'A100-80GB',
  'rtx-a6000': 'RTXA6000',
  'rtx-4090': 'RTX4090',
  'rtx-3090': 'RTX3090',
};

/** A managed job: SkyPilot brings it up elsewhere when its machines are taken away, and the same command goes on. */
export const skypilot: Target = {
  files: (job) => [task(job)],
  submission: ({ folder, name }): Submission => ({
    submit: ['sky', 'jobs', 'launch', '--yes', '--name', name, join(folder, 'task.yml')],
    watch: ['sky', 'jobs', 'logs', '--name', name],
  }),
};

function task(job: Job): JobFile {
  const { config, folder, hosts, gpusPerHost, gpu } = job;
  const { infra, image, spot, volume, bucket, mountPath, setup, restarts } = config.launch.skypilot;
  if (volume === '' && bucket === '') {
    throw new LaunchError(
      'option "launch.skypilot.volume" is "": a job that comes up elsewhere needs what outlives its machines, a volume or (of one node) launch.skypilot.bucket',
    );
  }
  if (bucket !== '' && (hosts > 1 || volume !== '')) {
    throw new LaunchError(
      `option "launch.skypilot.bucket" is "${bucket}": it must be "" where there are several nodes, which hand weights over in a folder that all can write, or a volume`,
    );
  }
  const document = {
    name: job.name,
    num_nodes: hosts,
    resources: {
      ...(infra === '' ? {} : { infra }),
      ...(gpusPerHost === 0 ? {} : { accelerators: `${ACCELERATORS[gpu] ?? gpu.toUpperCase()}:${gpusPerHost}` }),
      ...(image === '' ? {} : { image_id: image.includes(':') || image.includes('/') ? `docker:${image}` : image }),
      use_spot: spot,
      // Told to stop, it goes on wherever it comes up next, as often as that happens.
      job_recovery: { max_restarts_on_errors: restarts, recover_on_exit_codes: [75] },
    },
    ...(volume === '' ? {} : { volumes: { [mountPath]: volume } }),
    file_mounts: {
      [`${COPIED}/config.yml`]: join(folder, 'config.yml'),
      [`${COPIED}/keys`]: join(folder, 'keys'),
      ...(bucket === '' ? {} : { [mountPath]: { source: bucket, mode: 'MOUNT' } }),
    },
    ...(setup.length === 0 ? {} : { setup: `${setup.join('\n')}\n` }),
    run: runSection(job),
  };
  return { path: 'task.yml', text: stringify(document, { lineWidth: 0 }), mode: 0o644 };
}

/** What every node runs, node 0 the orchestrator as well. Its exit code is the orchestrator's there. */
function runSection(job: Job): string {
  const { port, rendezvousPort, skypilot: site } = job.config.launch;
  const kept = site.bucket !== '';
  // What a bucket cannot do, append and rename, is done on the node's disk, and copied.
  const here = kept ? { ...job, run: '/tmp/rzero-run' } : job;
  const rendezvous = job.spans ? ` --rendezvous "$head:${rendezvousPort}"` : '';
  return `set -u
job=$HOME/rzero-job
chmod -R go-rwx "$job/keys"
head=$(echo "$SKYPILOT_NODE_IPS" | head -n 1)
export HF_HOME=${kept ? '"$HOME/hub"' : quote(`${site.mountPath}/hub`)}
orchestrator=''
if [ "$SKYPILOT_NODE_RANK" -eq 0 ]; then
${kept ? restore(here.run, job.run) : ''}  ${command(runWords(here, '@'))} &
  orchestrator=$!
fi
${command(workersWords(job, '@', '@@'))} \\
  --host "$SKYPILOT_NODE_RANK" --connect "tcp://$head:${port}"${rendezvous} &
workers=$!
if [ -z "$orchestrator" ]; then
  wait "$workers"
  exit $?
fi
${kept ? keep(here.run, job.run) : ''}wait "$orchestrator"
code=$?
${awaitWorkers('"$workers"')}
kill -HUP "$workers" 2>/dev/null
${kept ? 'kill "$copier" 2>/dev/null\ncopy\n' : ''}exit "$code"
`
    .replaceAll(/(?<= )@@(?= |\n)/g, '"$job/keys"')
    .replaceAll(/(?<= )@(?= |\n)/g, '"$job/config.yml"');
}

function restore(run: string, copy: string): string {
  return `  [ -e ${quote(run)} ] || { [ -e ${quote(copy)} ] && cp -r ${quote(copy)} ${quote(run)}; }\n`;
}

/**
 * The journal goes last but is read first when files go: what it names may be missing from a copy made meanwhile, which
 * a resumed run finds out and does again.
 */
function keep(run: string, copy: string): string {
  return `copy() { mkdir -p ${quote(copy)} && cp -ru ${quote(run)}/. ${quote(copy)}/ 2>/dev/null; }
while sleep 60; do copy; done &
copier=$!
`;
}
