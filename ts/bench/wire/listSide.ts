import { bindTransport, type PeerId } from '../../worker/transport.ts';
import { listed, packLists, unpackLists } from './lists.ts';
import { endProgram, firstSign, type Side, startProgram } from './side.ts';

/** Lists of numbers in msgpack over the same sockets: packing by msgpackr here and msgspec structs there (lists.py). */
export async function startListSide(python: string): Promise<Side> {
  let onMessage = (_: PeerId, __: Uint8Array): void => {};
  const next = () =>
    new Promise<[PeerId, Uint8Array]>((resolve) => {
      onMessage = (peer, payload) => resolve([peer, payload]);
    });
  const transport = await bindTransport({
    onMessage: (peer, payload) => onMessage(peer, payload),
    onDisconnect: () => {},
  });
  const hello = next();
  const program = startProgram(python, 'lists.py', [transport.endpoint]);
  const [peer] = await firstSign(program, hello).catch((error: unknown) => {
    transport.close();
    throw error;
  });
  const ask = async (request: unknown): Promise<unknown> => {
    const answer = next();
    await transport.send(peer, packLists(request));
    const [, payload] = await answer;
    return unpackLists(payload);
  };
  return {
    name: 'lists',
    forward(params) {
      const request = listed({ kind: 'Forward', ...params });
      return async () => Float32Array.from(((await ask(request)) as { logprobs: number[] }).logprobs);
    },
    train(params) {
      const request = listed({ kind: 'Train', ...params });
      return async () => ((await ask(request)) as { loss: number }).loss;
    },
    async close() {
      transport.close();
      await endProgram(program);
    },
  };
}
