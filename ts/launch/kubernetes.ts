import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Job, LaunchError, runWords, type Submission, secondsToStop, type Target, workersWords } from './job.ts';

type Document = Record<string, unknown>;

/** Where a pod has the configuration, its Secret, and the keys as rzero wants them. */
const CONFIG = '/etc/rzero/config.yml';
const SECRET = '/etc/rzero-keys';
export const POD_KEYS = '/run/rzero/keys';

/** Ends that starting again would only repeat: usage, data, credentials, configuration. */
const FATAL = [2, 65, 77, 78];

/** A JobSet: a pod for the orchestrator, which needs no GPU, and one for the workers of each host. */
export const kubernetes: Target = {
  files: (job) => {
    requireSite(job);
    return [
      { path: 'jobset.yml', text: documents([configMap(job), networkPolicy(job), jobSet(job)]), mode: 0o644 },
      { path: 'secrets.yml', text: documents(secrets(job)), mode: 0o600 },
    ];
  },
  submission: ({ folder, name, config }): Submission => {
    const { namespace } = config.launch.kubernetes;
    const where = namespace === '' ? [] : ['--namespace', namespace];
    return {
      submit: ['kubectl', 'apply', ...where, '-f', join(folder, 'secrets.yml'), '-f', join(folder, 'jobset.yml')],
      watch: ['kubectl', 'logs', ...where, '--follow', '-l', `${JOBSET}=${name},${REPLICATED}=leader`],
    };
  },
};

const JOBSET = 'jobset.sigs.k8s.io/jobset-name';
const REPLICATED = 'jobset.sigs.k8s.io/replicatedjob-name';

function requireSite({ config }: Job): void {
  const { image, claim } = config.launch.kubernetes;
  if (image === '') throw new LaunchError('option "launch.kubernetes.image" is "": say which image has rzero in it');
  if (claim === '') {
    throw new LaunchError(
      'option "launch.kubernetes.claim" is "": say which PersistentVolumeClaim (ReadWriteMany) the run is kept in',
    );
  }
}

function documents(all: readonly Document[]): string {
  return all.map((one) => stringify(one, { lineWidth: 0 })).join('---\n');
}

function metadata({ name, config }: Job, suffix = '', labels: Document = {}): Document {
  const { namespace } = config.launch.kubernetes;
  return {
    name: `${name}${suffix}`,
    ...(namespace === '' ? {} : { namespace }),
    labels: { 'app.kubernetes.io/name': 'rzero', ...labels },
  };
}

function configMap(job: Job): Document {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(job, '-config'),
    data: { 'config.yml': job.configText },
  };
}

/** The orchestrator's pair and who may connect; the workers' pairs and the orchestrator's public key. */
function secrets(job: Job): Document[] {
  const leader: Document = {};
  const workers: Document = {};
  for (const [path, text] of job.keys) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (path === 'orchestrator.key' || path.startsWith('allowed/')) leader[name] = text;
    else workers[name] = text;
  }
  const secret = (suffix: string, stringData: Document): Document => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata(job, suffix),
    type: 'Opaque',
    stringData,
  });
  return [secret('-leader-keys', leader), secret('-workers-keys', workers)];
}

/** Nobody else reaches the orchestrator's port, nor where the processes of a trainer meet, which ask for no password. */
function networkPolicy(job: Job): Document {
  const podSelector = { matchLabels: { [JOBSET]: job.name } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(job),
    spec: { podSelector, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector }] }] },
  };
}

function jobSet(job: Job): Document {
  const { queue, restarts } = job.config.launch.kubernetes;
  return {
    apiVersion: 'jobset.x-k8s.io/v1alpha2',
    kind: 'JobSet',
    metadata: metadata(job, '', queue === '' ? {} : { 'kueue.x-k8s.io/queue-name': queue }),
    spec: {
      network: { enableDNSHostnames: true, subdomain: job.name },
      successPolicy: { operator: 'All', targetReplicatedJobs: ['leader'] },
      // An orchestrator that ends tells its workers to end too: whatever it was, all begin anew, and the run goes on
      // from where it is. What would only come again ends the JobSet.
      failurePolicy: {
        maxRestarts: restarts,
        rules: [{ name: 'fatal', action: 'FailJobSet', onJobFailureReasons: ['PodFailurePolicy'] }],
      },
      replicatedJobs: [leader(job), workers(job)],
    },
  };
}

function leader(job: Job): Document {
  const { leaderResources } = job.config.launch.kubernetes;
  const grace = secondsToStop(job);
  return {
    name: 'leader',
    replicas: 1,
    template: {
      spec: {
        ...indexed(1),
        backoffLimit: 0,
        podFailurePolicy: { rules: [fatal('orchestrator')] },
        template: pod(job, {
          grace,
          secret: `${job.name}-leader-keys`,
          copyKeys: `cp ${SECRET}/orchestrator.key ${POD_KEYS}/ && cp ${SECRET}/*.pub ${POD_KEYS}/allowed/`,
          container: {
            name: 'orchestrator',
            command: escaped(runWords(job, CONFIG)),
            ports: [{ name: 'workers', containerPort: job.config.launch.port }],
            resources: { requests: leaderResources },
          },
        }),
      },
    },
  };
}

function workers(job: Job): Document {
  const { name, hosts, gpusPerHost, config } = job;
  const { nodeSelector, tolerations, workerResources, sharedMemory } = config.launch.kubernetes;
  const { port, rendezvousPort } = config.launch;
  const rendezvous = job.spans ? ['--rendezvous', `${name}-workers-0-0.${name}:${rendezvousPort}`] : [];
  const words = [...workersWords(job, CONFIG, POD_KEYS), '--connect', `tcp://${name}-leader-0-0.${name}:${port}`];
  const gpus = gpusPerHost === 0 ? {} : { 'nvidia.com/gpu': gpusPerHost };
  return {
    name: 'workers',
    replicas: 1,
    template: {
      spec: {
        ...indexed(hosts),
        backoffLimit: 10 * hosts,
        podFailurePolicy: {
          rules: [
            fatal('workers'),
            // A pod whose node is wanted back is replaced, and does not count.
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
            { action: 'Ignore', onExitCodes: { containerName: 'workers', operator: 'In', values: [75] } },
          ],
        },
        template: pod(job, {
          // Longer than the orchestrator's: it is the orchestrator who ends them.
          grace: secondsToStop(job) + 60,
          secret: `${name}-workers-keys`,
          copyKeys: `cp ${SECRET}/* ${POD_KEYS}/`,
          container: {
            name: 'workers',
            command: [
              'sh',
              '-c',
              'exec "$@" --host "$JOB_COMPLETION_INDEX"',
              'sh',
              ...escaped([...words, ...rendezvous]),
            ],
            resources: { requests: { ...workerResources, ...gpus }, limits: gpus },
          },
          volumes: { '/dev/shm': { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: sharedMemory } } },
          ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
          ...(tolerations.length === 0 ? {} : { tolerations }),
        }),
      },
    },
  };
}

function indexed(count: number): Document {
  return { completionMode: 'Indexed', completions: count, parallelism: count };
}

function fatal(containerName: string): Document {
  return { action: 'FailJob', onExitCodes: { containerName, operator: 'In', values: FATAL } };
}

interface PodOptions {
  grace: number;
  /** Name of the Secret with its keys. */
  secret: string;
  copyKeys: string;
  container: Document;
  /** By mount path. */
  volumes?: Record<string, Document & { name: string }>;
  nodeSelector?: Document;
  tolerations?: readonly Document[];
}

function pod(job: Job, { grace, secret, copyKeys, container, volumes = {}, ...scheduling }: PodOptions): Document {
  const site = job.config.launch.kubernetes;
  const all: Record<string, Document & { name: string }> = {
    [site.mountPath]: { name: 'storage', persistentVolumeClaim: { claimName: site.claim } },
    '/etc/rzero': { name: 'config', configMap: { name: `${job.name}-config` } },
    [POD_KEYS.slice(0, POD_KEYS.lastIndexOf('/'))]: { name: 'keys', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
    '/tmp': { name: 'tmp', emptyDir: {} },
    ...volumes,
  };
  const mounts = (paths: readonly string[]) => paths.map((mountPath) => ({ name: all[mountPath]?.name, mountPath }));
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  const { user, imagePullSecret, serviceAccount, hubTokenSecret } = site;
  return {
    metadata: { labels: { 'app.kubernetes.io/name': 'rzero' } },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: grace,
      ...(serviceAccount === '' ? {} : { serviceAccountName: serviceAccount }),
      automountServiceAccountToken: false,
      ...(imagePullSecret === '' ? {} : { imagePullSecrets: [{ name: imagePullSecret }] }),
      ...scheduling,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: user,
        runAsGroup: user,
        fsGroup: user,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      // A Secret's files are links that a group may read, which rzero refuses: it wants its own, mode 0600.
      initContainers: [
        {
          name: 'keys',
          image: site.image,
          command: ['sh', '-ec', `umask 077 && mkdir -p ${POD_KEYS}/allowed && ${copyKeys}`],
          securityContext,
          volumeMounts: [
            ...mounts([POD_KEYS.slice(0, POD_KEYS.lastIndexOf('/'))]),
            { name: 'secret', mountPath: SECRET, readOnly: true },
          ],
        },
      ],
      containers: [
        {
          ...container,
          image: site.image,
          workingDir: site.mountPath,
          env: [
            { name: 'HOME', value: '/tmp' },
            { name: 'HF_HOME', value: `${site.mountPath}/hub` },
            ...(hubTokenSecret === ''
              ? []
              : [{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: hubTokenSecret, key: 'token' } } }]),
          ],
          securityContext,
          volumeMounts: mounts(Object.keys(all)),
        },
      ],
      volumes: [...Object.values(all), { name: 'secret', secret: { secretName: secret, defaultMode: 0o440 } }],
    },
  };
}

/** Words in which Kubernetes puts no variable: it reads $(NAME), and $$ for a dollar. */
function escaped(words: readonly string[]): string[] {
  return words.map((word) => word.replaceAll('$', '$$$$'));
}
