import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PROTOCOL_HASH } from '../../../ts/protocol/generated.ts';
import { packParams } from '../../../ts/worker/codec.ts';
import { type ProcessWorker, type StartWorkerOptions, startWorker } from '../../../ts/worker/startWorker.ts';
import { python, workerFixture } from '../../fixtures/python.ts';

const started: ProcessWorker[] = [];

async function start(fixture: string, options: Partial<StartWorkerOptions> = {}): Promise<ProcessWorker> {
  const worker = await startWorker({
    python: python(),
    backend: 'mock',
    threads: 3,
    program: workerFixture(fixture),
    ...options,
  });
  started.push(worker);
  return worker;
}

afterEach(async () => {
  for (const worker of started.splice(0)) {
    worker.process.kill('SIGKILL');
    await worker.process.ended;
    worker.hub.close();
  }
});

describe('a worker that behaves', () => {
  test('connects, gets its threads, leads its own process group and stops in order', async () => {
    const worker = await start('well_behaved');
    const { busy, progress } = await worker.ping({});
    expect(busy).toBe('3');
    expect(progress).toBe(worker.process.pid);
    expect(worker.hello).toMatchObject({ backend: 'fixture', protocolHash: PROTOCOL_HASH, pid: worker.process.pid });
    await worker.close();
    await worker.close();
    expect(await worker.process.ended).toEqual({ exitCode: 0, signal: undefined });
    await expect(worker.ping({})).rejects.toMatchObject({ code: 'worker_gone' });
  });

  test('may take its time to end after it has hung up', async () => {
    const worker = await start('slow_to_leave', { patience: { reconnect: 1 } });
    await worker.close();
    expect(await worker.process.ended).toEqual({ exitCode: 0, signal: undefined });
  });

  test('has what it prints kept and appended to the log file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rzero-log-'));
    try {
      const logFile = join(folder, 'worker.log');
      const worker = await start('well_behaved', { logFile });
      await worker.close();
      for (const text of [worker.process.output(), readFileSync(logFile, 'utf8')]) {
        expect(text).toContain('hello on stdout');
        expect(text).toContain('hello on stderr');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('does without a log file that cannot be written, and says so', async () => {
    const troubles: string[] = [];
    const onLogTrouble = (message: string) => troubles.push(message);
    const worker = await start('well_behaved', { logFile: '/nonexistent/worker.log', onLogTrouble });
    await worker.close();
    expect(worker.process.output()).toContain('hello on stdout');
    expect(troubles).toEqual([expect.stringMatching(/^\/nonexistent\/worker\.log cannot be written.*: ENOENT/)]);
  });
});

describe('a worker that does not come up gives one error and leaves no process', () => {
  test('an interpreter that is not there', async () => {
    await expect(start('well_behaved', { python: '/nonexistent/python' })).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringContaining('/nonexistent/python'),
    });
  });

  test('a start that the caller gives up', async () => {
    const signal = AbortSignal.timeout(100);
    await expect(start('silent', { signal })).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('a traceback at the start', async () => {
    await expect(start('dies_at_start')).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringMatching(/exit code 1 before it connected.*a_module_that_is_not_installed/),
      details: expect.stringContaining('Traceback'),
    });
  });
});

describe('calls', () => {
  test('params that do not fit are refused before they are sent', async () => {
    const worker = await start('never_answers');
    const call = worker.publishWeights({ modelId: 5 as unknown as string });
    await expect(call).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/publish_weights: cannot be sent: PublishWeightsParams\.modelId: saw 5/),
    });
  });

  test('a signal that was aborted before sends nothing', async () => {
    const worker = await start('never_answers');
    await expect(worker.ping({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('closing rejects what is pending', async () => {
    const worker = await start('never_answers');
    const call = expect(worker.ping({})).rejects.toMatchObject({ code: 'worker_gone' });
    await worker.close();
    await call;
  });

  test('a request before anybody connected', async () => {
    const worker = await start('well_behaved');
    await worker.close();
    await expect(worker.session.request('ping', packParams('ping', {}))).rejects.toMatchObject({ code: 'worker_gone' });
  });
});
