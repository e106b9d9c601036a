import type { Recruit } from '../../worker/pool/member.ts';

/**
 * The processor time of this process, all threads, between the last answer of a step and the requests of the next: what
 * a gap would take on a machine that has nothing else to do.
 */
export class Gaps {
  /** In all gaps that have ended. */
  cpuSeconds = 0;
  private awaited = 0;
  private begun: NodeJS.CpuUsage | undefined;

  /** The last answer is there. @param requests that must go out before the gap is over */
  begin(requests: number): void {
    this.awaited = requests;
    this.begun = process.cpuUsage();
  }

  /** A worker whose requests to sample end the gap. */
  watched(recruit: Recruit): Recruit {
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
      request: (verb, params, options) => {
        const answer = recruit.request(verb, params, options);
        if (verb === 'sample') this.went();
        return answer;
      },
    };
  }

  private went(): void {
    this.awaited -= 1;
    if (this.awaited > 0 || this.begun === undefined) return;
    const { user, system } = process.cpuUsage(this.begun);
    this.cpuSeconds += (user + system) / 1e6;
    this.begun = undefined;
  }
}
