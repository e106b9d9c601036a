import { performance } from 'node:perf_hooks';
import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { startLong } from '../long.ts';

/** Seconds that two clocks may be apart where the worker is on the same machine or on one whose clock is kept. */
const SKEW = 300;
/** Milliseconds: a driver that is asked for the first time takes its time. */
const DEADLINE = 25_000;

export const MACHINE: readonly Case[] = [
  {
    id: 'inspect-machine',
    title: 'inspect_machine names the host and the time, and nothing is freer than it is large',
    rule: 'inspect_machine says what the machine has; what is free is no more than there is.',
    where: 'proto/protocol.yml, structs.Machine',
    needs: [],
    async run({ worker }) {
      const machine = await worker.inspectMachine({});
      expect.differs('host', machine.host, '');
      expect.below('seconds between its clock and ours', Math.abs(machine.clock - Date.now() / 1000), SKEW);
      expect.atMost('memoryFreeBytes', machine.memoryFreeBytes, machine.memoryBytes);
      expect.atMost('shmFreeBytes', machine.shmFreeBytes, machine.shmBytes);
      for (const gpu of machine.gpus) expect.atMost(`freeBytes of ${gpu.name}`, gpu.freeBytes, gpu.memoryBytes);
    },
  },
  {
    id: 'inspect-machine-during-sample',
    title: 'inspect_machine is answered during a long sample, each time it is asked, and ping does not wait for it',
    rule: 'inspect_machine is answered while a long call runs, and holds up no other control verb.',
    where: 'proto/protocol.yml, verbs.inspect_machine',
    needs: ['sample'],
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const stop = new AbortController();
      const { answer } = await startLong(context, 'sample', modelId, { signal: stop.signal, seconds: 40 });
      const asked = performance.now();
      const inspections = Promise.all([worker.inspectMachine({}), worker.inspectMachine({})]);
      inspections.catch(() => {});
      const { busy } = await worker.ping({});
      expect.equal('busy meanwhile', busy, 'sample');
      expect.below('milliseconds that ping took meanwhile', performance.now() - asked, 1000);
      const [one, other] = await inspections;
      expect.below('milliseconds that inspect_machine took during sample', performance.now() - asked, DEADLINE);
      expect.equal('host, asked twice', other.host, one.host);
      expect.equal('busy afterwards', (await worker.ping({})).busy, 'sample');
      stop.abort();
      await expect.fails('sample after cancel', answer, 'cancelled');
    },
  },
];
