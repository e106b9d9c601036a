import type { Case } from '../context.ts';
import * as expect from '../expect.ts';

export const HANDSHAKE: readonly Case[] = [
  {
    id: 'other-protocol-hash',
    title: 'another protocol hash is refused with both hashes named',
    rule: 'A worker says which protocol it was made from, and one of another protocol is not let in.',
    where: 'proto/README.md, Handshake',
    needs: ['spawn'],
    async run({ start }) {
      const other = '0'.repeat(64);
      const both = new RegExp(`[1-9a-f][0-9a-f]{63}.*${other}`);
      await expect.fails('a start under another hash', start(other), 'unauthorized', both);
    },
  },
  {
    id: 'hello',
    title: 'the worker says what it is',
    rule: 'Hello names the backend, what the worker offers, its losses, the software it runs on and its process.',
    where: 'proto/protocol.yml, structs.Hello',
    needs: [],
    async run({ worker: { hello } }) {
      expect.differs('Hello.backend', hello.backend, '');
      expect.differs('Hello.instanceId', hello.instanceId, '');
      expect.above('entries of Hello.capabilities', hello.capabilities.length, 0);
      expect.equal('Hello.capabilities, each once', [...new Set(hello.capabilities)], hello.capabilities);
      if (hello.capabilities.includes('train')) expect.includes('Hello.losses', hello.losses, 'grpo');
      expect.above('entries of Hello.versions', Object.keys(hello.versions).length, 0);
      expect.above('Hello.pid', hello.pid, 0);
    },
  },
  {
    id: 'instance-of-a-process',
    title: 'another process of the worker is another instance',
    rule: 'Every process draws an instanceId of its own, whatever its workerId.',
    where: 'proto/protocol.yml, structs.Hello',
    needs: ['spawn'],
    async run({ worker, start }) {
      const other = await start();
      expect.differs('Hello.instanceId of a second process', other.worker.hello.instanceId, worker.hello.instanceId);
      await other.worker.close();
    },
  },
];
