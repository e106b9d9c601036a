import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { parseListenAddress } from '../worker/address.ts';
import { abortion, within } from '../worker/deadline.ts';
import { Hub } from '../worker/hub.ts';
import { readOrchestratorKeys } from '../worker/keyFolder.ts';
import type { Session } from '../worker/session.ts';
import { TransportError } from '../worker/transport.ts';

/** A worker that has dialled in. */
export interface Arrival {
  session: Session;
  /** Since the door was opened. */
  seconds: number;
}

/**
 * Where workers dial in to be looked at, by the keys and the token that they would dial in to a run with. Whoever knows
 * them is let in from the start: a worker that is refused ends, one that is left alone dials again.
 */
export class Door {
  readonly arrivals: Arrival[] = [];
  private readonly hub: Hub;
  private readonly path: string | undefined;
  private onArrival = (): void => {};

  private constructor(hub: Hub, path: string | undefined, token: string) {
    this.hub = hub;
    this.path = path;
    const opened = performance.now();
    hub.invite(token, {
      single: false,
      onJoin: (session) => {
        this.arrivals.push({ session, seconds: (performance.now() - opened) / 1000 });
        this.onArrival();
      },
    });
  }

  /**
   * Listen where a configuration has workers dial in.
   *
   * @throws TransportError, AddressError, KeyError
   */
  static async open({ worker }: Config, env: NodeJS.ProcessEnv, workingFolder: string): Promise<Door> {
    const { listen: address, keys } = worker;
    const { path } = parseListenAddress(address);
    if (keys === '' && !env.RZERO_TOKEN) {
      throw new TransportError('insecure', `${address} needs keys, or a token in RZERO_TOKEN that workers know too`);
    }
    const curve = keys === '' ? {} : { curve: readOrchestratorKeys(resolve(workingFolder, keys)) };
    return new Door(await Hub.bind({ address, ...curve }), path, env.RZERO_TOKEN ?? '');
  }

  get endpoint(): string {
    return this.hub.endpoint;
  }

  /** Why the last one who was not let in was not. */
  get turnedAway(): string | undefined {
    return this.hub.turnedAway;
  }

  /** Wait for so many, or for so many milliseconds. @throws WorkerCallError `cancelled` on abort */
  async wait(count: number, milliseconds: number, signal: AbortSignal): Promise<void> {
    const aborted = abortion(signal, 'the wait for workers was cancelled');
    const enough = new Promise<void>((resolve) => {
      this.onArrival = () => {
        if (this.arrivals.length >= count) resolve();
      };
      this.onArrival();
    });
    await within(Promise.race([enough, aborted.promise]), milliseconds).finally(aborted.forget);
  }

  /** Hang up. Workers are not told to stop. */
  close(): void {
    this.hub.close();
    // ZeroMQ leaves it, and takes it for somebody else's the next time.
    if (this.path !== undefined) rmSync(this.path, { force: true });
  }
}
