import type { Recruit } from '../../worker/pool/member.ts';
import type { RequestOptions } from '../../worker/session.ts';

/**
 * The processor time of this process, all threads, between steps while all workers wait for it: from the last answer of a
 * step until one worker is told to publish the next weights, and from when it has until all others are told to take them.
 * While weights are on their way nobody waits for anything else.
 */
export class Gaps {
  /** In all gaps that have ended. */
  cpuSeconds = 0;
  private usage: NodeJS.CpuUsage | undefined;
  private readonly told = new Set<string>();
  private published = false;
  /** Workers that get a request of the next step. */
  private awaited = 0;

  /** The last answer is there. @param workers how many get a request of the next step */
  begin(workers: number): void {
    this.awaited = workers;
    this.told.clear();
    this.published = false;
    this.start();
  }

  /** A worker whose requests are watched. */
  watched(recruit: Recruit): Recruit {
    const { workerId } = recruit.hello;
    const request = async (verb: string, params: Uint8Array, options?: RequestOptions): Promise<Uint8Array> => {
      const answer = recruit.request(verb, params, options);
      if (verb !== 'publish_weights') return answer;
      this.onTold(workerId);
      const proof = await answer;
      this.onTaken();
      return proof;
    };
    return {
      hello: recruit.hello,
      gone: recruit.gone,
      get onConnection() {
        return recruit.onConnection;
      },
      set onConnection(told) {
        recruit.onConnection = told;
      },
      giveUp: (reason) => recruit.giveUp(reason),
      request,
    };
  }

  private onTold(workerId: string): void {
    this.told.add(workerId);
    if (this.told.size === 1 || this.told.size === this.awaited) this.stop();
  }

  private onTaken(): void {
    if (!this.published) this.start();
    this.published = true;
  }

  private start(): void {
    this.usage ??= process.cpuUsage();
  }

  private stop(): void {
    if (this.usage === undefined) return;
    const { user, system } = process.cpuUsage(this.usage);
    this.cpuSeconds += (user + system) / 1e6;
    this.usage = undefined;
  }
}
