import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../../ts/config/load.ts';
import { keyPaths } from '../../../ts/worker/keyFolder.ts';
import { ignorePatterns, isIgnored, readDockerfile } from '../../fixtures/dockerfile.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const PYPROJECT = read('py_worker/pyproject.toml');
const CONSTRAINTS = read('py_worker/constraints.txt').split('\n');
const DOCKERFILES = ['docker/cpu.Dockerfile', 'docker/gpu.Dockerfile'];
const IGNORED = ignorePatterns(read('.dockerignore'));

describe('a Dockerfile', () => {
  test.each(DOCKERFILES)('%s copies what is there, and .dockerignore lets in', (file) => {
    for (const { name, text } of readDockerfile(read(file)).flatMap(({ steps }) => steps)) {
      if (name !== 'COPY' || text.startsWith('--from=')) continue;
      for (const source of text.split(' ').slice(0, -1)) {
        expect([source, existsSync(source), isIgnored(source, IGNORED)]).toEqual([source, true, false]);
      }
    }
  });

  test('for GPUs does with our files what the one for CPUs does, which is tried out as a whole', () => {
    const [cpu, gpu] = DOCKERFILES.map((file) => readDockerfile(read(file)));
    expect(gpu?.[0]).toEqual(cpu?.[0]);
    const ours = (steps: { name: string; text: string }[] = []) =>
      steps.filter(({ name, text }) => !['ARG', 'ENV'].includes(name) && !/pip |pyproject/.test(text));
    expect(ours(gpu?.[1]?.steps)).toEqual(ours(cpu?.[1]?.steps));
  });

  test('is of the versions that the project pins', () => {
    const [build, image] = readDockerfile(read('docker/gpu.Dockerfile'));
    expect(PYPROJECT).toContain(`"vllm==${/^vllm\/vllm-openai:v([\d.]+)$/.exec(image?.from ?? '')?.[1]}"`);
    expect(build?.from).toMatch(/^node:20-/);
    const pip = image?.steps.find(({ text }) => text.startsWith('python3 -m pip'))?.text ?? '';
    for (const name of pip.split('constraints.txt ')[1]?.split(' ') ?? []) {
      expect(CONSTRAINTS).toContainEqual(expect.stringMatching(`^${name}==`));
    }
    const base = readDockerfile(read('docker/cpu.Dockerfile'))[1]?.from ?? '';
    expect(PYPROJECT).toContain(`requires-python = ">=${/^python:([\d.]+)-/.exec(base)?.[1]}"`);
  });

  test.each(DOCKERFILES)('%s ends as a user that is not root, with tini as process 1', (file) => {
    const steps = readDockerfile(read(file)).at(-1)?.steps ?? [];
    // As whom the pods of `rzero launch kubernetes` run, too: the image's caches are that user's.
    const { user } = loadConfig({ preset: 'paper' }).launch.kubernetes;
    expect(steps.findLast(({ name }) => name === 'USER')?.text).toBe(String(user));
    expect(steps.find(({ name }) => name === 'ENTRYPOINT')?.text).toBe('["tini", "--", "rzero"]');
    expect(JSON.stringify(steps)).not.toContain('VLLM_SERVER_DEV_MODE=');
  });
});

test.each([
  ['runs/a/journal.jsonl', true],
  ['keys/orchestrator.key', true],
  ['.venv/bin/python', true],
  ['docker/compose.yml', true],
  ['docker/bin/rzero', false],
  ['ts/cli/main.ts', false],
  ['py_worker/rzero_worker/server.py', false],
  ['py_worker/rzero_worker/__pycache__/server.pyc', true],
  ['py_worker/tests/test_keys.py', true],
])('.dockerignore keeps %s out: %s', (path, out) => {
  expect(isIgnored(path, IGNORED)).toBe(out);
});

interface Service {
  image: string;
  build: { context: string; dockerfile: string };
  command: string[];
  entrypoint?: string[];
  volumes: string[];
  profiles: string[];
  depends_on?: Record<string, { condition: string }>;
}

describe('docker/compose.yml', () => {
  const compose = parse(read('docker/compose.yml'), { merge: true });
  const services = Object.entries(compose.services as Record<string, Service>);
  const named = (service: string) => services.find(([name]) => name === service)?.[1];
  const option = ({ command }: Service, name: string) =>
    command.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const keys = keyPaths('/keys');

  test.each(services)('%s is built from what is there, and asks for what is there', (_, service) => {
    expect(existsSync(service.build.dockerfile)).toBe(true);
    expect(service.image).toBe(`rzero:${/docker\/(\w+)\.Dockerfile/.exec(service.build.dockerfile)?.[1]}`);
    for (const volume of service.volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
    for (const other of Object.keys(service.depends_on ?? {})) {
      expect(named(other)?.profiles).toEqual(expect.arrayContaining(service.profiles));
    }
  });

  test.each(services.filter(([name]) => name.startsWith('orchestrator-')))(
    '%s is a run that is configured so',
    (_, it) => {
      expect(it.command[0]).toBe('run');
      const sets = it.command.flatMap((word) => (word.startsWith('--set=') ? [word.slice('--set='.length)] : []));
      const { worker } = loadConfig({ preset: option(it, '--preset') ?? '', sets });
      expect(worker).toMatchObject({ count: 0, keys: '/keys' });
      expect(option(it, '--out')).toMatch(/^runs\//);
      const known = ['--preset', '--model', '--out', '--set'];
      for (const word of it.command.slice(1)) expect(known).toContain(word.split('=')[0]);
    },
  );

  test('its keys are made in a volume of their own', () => {
    expect(named('keys')).toMatchObject({ command: ['keys', '/keys', '--workers', '2'], volumes: ['keys:/keys'] });
  });

  test.each(services.filter(([name]) => name.startsWith('worker-')))(
    '%s dials an orchestrator with its keys',
    (_, it) => {
      expect(it.entrypoint).toEqual(['tini', '--', 'rzero-worker']);
      const [, host = '', port] = /^tcp:\/\/(.+):(\d+)$/.exec(option(it, '--connect') ?? '') ?? [];
      const orchestrator = named(host);
      expect(orchestrator?.profiles).toEqual(it.profiles);
      expect(orchestrator?.command).toContain(`--set=worker.listen=tcp://0.0.0.0:${port}`);
      expect(option(it, '--keys')).toBe(keys.workerKey(option(it, '--worker-id') ?? ''));
      expect(option(it, '--server-key')).toBe(keys.orchestratorPublic);
      // Weights are handed over in the run's folder.
      expect(it.volumes.filter((volume) => orchestrator?.volumes.includes(volume))).toHaveLength(3);
    },
  );

  test.each(['mock', 'gpu'])('an orchestrator of %s waits for the workers that there are', (profile) => {
    const workers = services.filter(([name, { profiles }]) => name.startsWith('worker-') && profiles.includes(profile));
    expect(named(`orchestrator-${profile}`)?.command).toContain(`--set=worker.expect=${workers.length}`);
    const made = Number(named('keys')?.command.at(-1));
    const names = Array.from({ length: made }, (_, index) => `worker-${index + 1}`);
    for (const [, worker] of workers) expect(names).toContain(option(worker, '--worker-id'));
  });
});

test('docker/kubernetes/*.yml are documents of Kubernetes, in one namespace that is there', () => {
  const documents = readdirSync('docker/kubernetes').flatMap((file) => {
    const parsed = parseAllDocuments(read(`docker/kubernetes/${file}`));
    for (const document of parsed) expect(document.errors).toEqual([]);
    return parsed.map((document) => document.toJS());
  });
  expect(documents.map(({ kind }) => kind)).toEqual(['Namespace', 'PersistentVolumeClaim']);
  const [{ metadata }, claim] = documents;
  expect(claim.metadata.namespace).toBe(metadata.name);
  expect(claim.spec.accessModes).toEqual(['ReadWriteMany']);
});

test('docker/README.md names every file beside it', () => {
  const readme = read('docker/README.md');
  const names = readdirSync('docker', { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'README.md')
    .map((entry) => `${entry.parentPath}/${entry.name}`.replace(/^docker\//, ''));
  for (const name of names) expect(readme).toContain(`\`${name}\``);
});
