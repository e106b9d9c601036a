import type { Activity } from '../../ports/reporter.ts';
import type { Member } from './member.ts';

interface Device {
  /** Members that are there and use it. */
  members: Set<Member>;
  /** Those of them that are at work. */
  working: Set<Member>;
}

/**
 * How busy the devices of a pool are: a device is busy while any member that uses it samples, scores or trains. One
 * without a device's name is a device itself. Adds up as things change, in the time of a change.
 */
export class Meter {
  private readonly now: () => number;
  private readonly devices = new Map<string, Device>();
  private busy = 0;
  private last: number;
  private tokens = 0;
  private deviceSeconds = 0;
  private busySeconds = 0;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.now = now;
    this.last = now();
  }

  /** A member came, went, lost its connection or has one again, began to work or has ended. */
  look(member: Member, isThere: boolean): void {
    this.pass();
    const { devices } = member.hello;
    for (const name of devices.length > 0 ? devices : [`member ${member.number}`]) {
      const device = this.devices.get(name) ?? { members: new Set(), working: new Set() };
      this.devices.set(name, device);
      const before = device.working.size > 0;
      place(device.members, member, isThere);
      place(device.working, member, isThere && member.isWorking);
      this.busy += Number(device.working.size > 0) - Number(before);
      if (device.members.size === 0) this.devices.delete(name);
    }
  }

  /** So many tokens were sampled. */
  sampled(tokens: number): void {
    this.tokens += tokens;
  }

  /** All until now. */
  read(): Activity {
    this.pass();
    return { tokens: this.tokens, deviceSeconds: this.deviceSeconds, busySeconds: this.busySeconds };
  }

  private pass(): void {
    const now = this.now();
    const seconds = (now - this.last) / 1000;
    this.last = now;
    this.deviceSeconds += this.devices.size * seconds;
    this.busySeconds += this.busy * seconds;
  }
}

function place<T>(set: Set<T>, one: T, isIn: boolean): void {
  if (isIn) set.add(one);
  else set.delete(one);
}
