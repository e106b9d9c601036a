import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PROTOCOL_HASH } from '../../../ts/protocol/generated.ts';
import { packParams } from '../../../ts/worker/codec.ts';
import { type ProcessWorker, type StartWorkerOptions, startWorker } from '../../../ts/worker/startWorker.ts';
import { isAlive } from '../../fixtures/processes.ts';
import { python, workerFixture } from '../../fixtures/python.ts';

const QUICK = { shutdown: 200, terminate: 200, kill: 5_000 };
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
});

describe('a worker that does not come up gives one error and leaves no process', () => {
  test('an interpreter that is not there', async () => {
    await expect(start('well_behaved', { python: '/nonexistent/python' })).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringContaining('/nonexistent/python'),
    });
  });

  test('a log file that cannot be written', async () => {
    await expect(start('well_behaved', { logFile: '/nonexistent/worker.log' })).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringContaining('/nonexistent/worker.log'),
    });
  });

  test('silence, until the deadline', async () => {
    await expect(start('silent', { startDeadline: 1_500 })).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: 'the worker did not connect within 1.5 s; it last printed: loading something large',
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

  test('another protocol, with both hashes named', async () => {
    await expect(start('wrong_hash')).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringMatching(new RegExp(`${'f'.repeat(64)}.*${PROTOCOL_HASH}`)),
    });
  });

  test('a wrong token', async () => {
    await expect(start('wrong_token')).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringMatching(/exit code 1 before it connected.*token.*refused: the token is not/),
    });
  });

  test('garbage before Hello', async () => {
    await expect(start('garbage_first')).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringMatching(/exit code 1 .*no Hello.*that did not work/),
    });
  });
});

describe('a worker that fails later', () => {
  test('every pending call hears the exit code and the last words of a process that ends', async () => {
    const worker = await start('dies_in_request');
    const calls = await Promise.allSettled([worker.ping({}), worker.ping({})]);
    for (const call of calls) {
      expect(call).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'worker_gone',
          message: 'the worker ended with exit code 3; it last printed: fatal: the fixture gives up',
        },
      });
    }
    await expect(worker.ping({})).rejects.toMatchObject({ code: 'worker_gone' });
  });

  test('a signal is named', async () => {
    const worker = await start('never_answers');
    const call = worker.ping({});
    worker.process.kill('SIGKILL');
    await expect(call).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was ended by SIGKILL'),
    });
  });

  test('bytes that are no message end the call and the process', async () => {
    const worker = await start('garbage_answer');
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was stopped: it sent what is no protocol message'),
    });
    expect(await worker.process.ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('a lost connection ends the call and the process', async () => {
    const worker = await start('hangs_up', { patience: { reconnect: 100 } });
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringContaining('was stopped: its connection was lost'),
    });
    expect(await worker.process.ended).toMatchObject({ signal: 'SIGKILL' });
  });

  test('a bad result fails its own call; answers to nothing are dropped and counted', async () => {
    const worker = await start('odd_answers');
    await expect(worker.ping({})).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/ping: the worker's answer is not valid: PingResult\.busy.*5/),
    });
    const seen: number[] = [];
    await worker.ping({}, { onProgress: ({ done }) => seen.push(done) });
    expect(seen).toEqual([1, 2]);
    await worker.ping({});
    // The repeated answer, the one under an unknown id, and the progress after the end.
    expect(worker.session.dropped).toBe(3);
  });

  test('deaf to shutdown and SIGTERM, it is killed with all its group', async () => {
    const worker = await start('ignores_signals', { stopDeadlines: QUICK });
    const { progress: child } = await worker.ping({});
    expect(isAlive(child)).toBe(true);
    await worker.close();
    expect(await worker.process.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(isAlive(worker.process.pid)).toBe(false);
    expect(isAlive(child)).toBe(false);
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
