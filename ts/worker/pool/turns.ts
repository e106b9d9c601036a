import type { Capability } from '../../protocol/generated.ts';
import { onceAborted } from '../aborts.ts';
import { TIMED_OUT, within } from '../deadline.ts';
import { WorkerCallError } from '../errors.ts';
import { cancelledError } from '../pendingCalls.ts';
import type { Member } from './member.ts';

export interface TurnOptions {
  /**
   * Whether whoever has no turn sleeps, because the memory of a device is not enough for all. Else only the two roles of
   * one member take turns: their requests would be done one by one, in the order in which they come, and training in
   * between would end a batch of samples before it is full.
   */
  sleeps: boolean;
  /** Milliseconds that a worker may take to go to sleep or to wake. */
  deadline: number;
  /** Waits for a promise no longer than so many milliseconds; real time unless given. */
  within?: typeof within;
}

interface Waiting {
  enter(): void;
  reject(error: unknown): void;
}

/** A role of a member with devices: at any time one of those that share a device has the turn. */
interface Seat {
  readonly member: Member;
  readonly role: Capability;
  /** What it needs for itself alone while it works. */
  readonly devices: readonly string[];
  /** Whether it may have memory of its devices. One that has just come may. */
  awake: boolean;
  /** Whether it has the turn, or others are being put to sleep for it. */
  turn: 'none' | 'coming' | 'here';
  /** Work under way in it. */
  uses: number;
  /** Whether it has just become idle. */
  lingers: boolean;
  readonly waiting: Set<Waiting>;
  /** Whether its member is gone. */
  gone: boolean;
}

/**
 * Who of those that share a device works. Before a member works in a role, every other role on its devices, its own
 * other one included, is put to sleep, and then it is woken; or, where nobody need sleep, the other role of the same
 * member has to be idle. The rules:
 *
 * - Who has the turn keeps it as long as it has work under way, and takes more. So samplers keep it while tasks wait
 *   for them, and training waits: turns are as long as can be, and few.
 * - An idle one keeps it for one more round of the event loop, since what follows (an `optim_step` its
 *   `forward_backward`, a publication the last step, the next task the one before) is asked for as soon as the
 *   answer is there. It is not kept for work that is only announced: samples may be what a step still waits for.
 * - Then it goes to whoever waits and has nobody at work on any of its devices: to sampling first, then in the order in
 *   which they came. So waiting is always for work under way, never for others that wait: there is no deadlock.
 *
 * Verbs that load or publish weights may wake the other role of their own member, as they need it: it is put to sleep
 * again before the next work. A member without devices takes no part where others sleep for each other.
 */
export class Turns {
  private readonly options: Required<TurnOptions>;
  private readonly seats = new Map<Member, Seat[]>();
  private readonly byDevice = new Map<string, Set<Seat>>();
  /** Those that somebody waits for. */
  private readonly wanted = new Set<Seat>();

  constructor(options: TurnOptions) {
    this.options = { within, ...options };
  }

  /** A member is there. */
  add(member: Member): void {
    const { capabilities } = member.hello;
    const devices = this.options.sleeps ? member.hello.devices : [`member ${member.number}`];
    if (devices.length === 0) return;
    const seats = capabilities.map((role): Seat => {
      return {
        member,
        role,
        devices,
        awake: true,
        turn: 'none',
        uses: 0,
        lingers: false,
        waiting: new Set(),
        gone: false,
      };
    });
    this.seats.set(member, seats);
    for (const device of devices) {
      const there = this.byDevice.get(device) ?? new Set();
      for (const seat of seats) there.add(seat);
      this.byDevice.set(device, there);
    }
  }

  /** It is gone, and so is what it held. Whoever waits to work there hears so from the worker. */
  remove(member: Member): void {
    const seats = this.seats.get(member) ?? [];
    this.seats.delete(member);
    for (const seat of seats) {
      seat.gone = true;
      this.admitAll(seat);
      // What others are told for it they do in peace.
      if (seat.turn !== 'coming') this.clear(seat);
    }
    this.look();
  }

  /**
   * Do something in a role of a member when it is its turn.
   * @throws WorkerCallError `cancelled` when the signal is aborted before; `worker_gone` for a member that is late to
   *   wake, and what it says when it cannot; what another says that cannot sleep
   */
  async use<T>(member: Member, role: Capability, action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const seat = this.seats.get(member)?.find((one) => one.role === role);
    if (seat === undefined) return action();
    if (signal?.aborted) throw cancelledError();
    const rested = !this.options.sleeps || !this.others(seat).some(({ awake }) => awake);
    if (seat.turn === 'here' && seat.awake && rested) seat.uses += 1;
    else await this.wait(seat, signal);
    try {
      return await action();
    } finally {
      this.leave(seat);
    }
  }

  /** What a member has just been asked for may have woken all of its roles. */
  mayHaveWoken(member: Member): void {
    for (const seat of this.seats.get(member) ?? []) seat.awake = true;
  }

  private wait(seat: Seat, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let forget = (): void => {};
      const waiting: Waiting = {
        enter: () => {
          forget();
          resolve();
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      seat.waiting.add(waiting);
      this.wanted.add(seat);
      forget = onceAborted(signal, () => {
        seat.waiting.delete(waiting);
        if (seat.waiting.size === 0) this.wanted.delete(seat);
        reject(cancelledError());
      });
      this.look();
    });
  }

  private leave(seat: Seat): void {
    seat.uses -= 1;
    if (seat.uses > 0 || seat.lingers) return;
    seat.lingers = true;
    setImmediate(() => {
      seat.lingers = false;
      this.look();
    });
  }

  /** Give turns to those who wait and can have one. */
  private look(): void {
    for (const role of ['sample', 'train'] as const) {
      for (const seat of [...this.wanted]) {
        if (seat.role === role && seat.turn !== 'coming' && !this.others(seat).some(isAtWork)) void this.take(seat);
      }
    }
  }

  private async take(seat: Seat): Promise<void> {
    this.wanted.delete(seat);
    const others = this.others(seat);
    seat.turn = 'coming';
    for (const other of others) other.turn = 'none';
    try {
      const tired = this.options.sleeps ? others.filter(({ awake }) => awake) : [];
      const sleeps = tired.map((other) => this.sleep(other, seat));
      for (const slept of await Promise.allSettled(sleeps)) if (slept.status === 'rejected') throw slept.reason;
      // Those who waited may have thought better of it.
      if (!seat.awake && seat.waiting.size > 0) await this.wake(seat);
      seat.turn = seat.awake ? 'here' : 'none';
      this.admitAll(seat);
    } catch (error) {
      seat.turn = 'none';
      this.refuseAll(seat, error);
    }
    if (seat.gone) this.clear(seat);
    this.look();
  }

  private admitAll(seat: Seat): void {
    seat.uses += seat.waiting.size;
    for (const { enter } of seat.waiting) enter();
    seat.waiting.clear();
    this.wanted.delete(seat);
  }

  private refuseAll(seat: Seat, error: unknown): void {
    for (const { reject } of seat.waiting) reject(error);
    seat.waiting.clear();
    this.wanted.delete(seat);
  }

  /** It is in nobody's way any more. */
  private clear(seat: Seat): void {
    for (const device of seat.devices) this.byDevice.get(device)?.delete(seat);
  }

  /** One that is late is given up: its end gives the device back. */
  private async sleep(other: Seat, seat: Seat): Promise<void> {
    const { member, role } = other;
    try {
      const slept = await this.options.within(member.worker.sleep({ role }), this.options.deadline);
      if (slept === TIMED_OUT) {
        const whom = `${seat.member.hello.workerId} (${seat.role}), which waits for ${commonDevice(member, seat.member)}`;
        member.giveUp(`${this.late(other, 'go to sleep')} to make room for ${whom}`);
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    other.awake = false;
  }

  private async wake(seat: Seat): Promise<void> {
    const { member, role } = seat;
    const woken = await this.options.within(member.worker.wake({ role }), this.options.deadline);
    if (woken === TIMED_OUT) {
      const error = new WorkerCallError('worker_gone', this.late(seat, 'wake'));
      this.refuseAll(seat, error); // before they hear that it is gone
      member.giveUp(error.message);
      throw error;
    }
    seat.awake = true;
  }

  private late({ member, role }: Seat, what: string): string {
    return `${member.hello.workerId} (${role}) did not ${what} within ${this.options.deadline / 1000} s`;
  }

  /** Whoever shares a device with it. */
  private others(seat: Seat): Seat[] {
    const others = new Set<Seat>();
    for (const device of seat.devices) {
      for (const other of this.byDevice.get(device) ?? []) if (other !== seat) others.add(other);
    }
    return [...others];
  }
}

/** Whether it cannot be put to sleep now. */
function isAtWork({ uses, lingers, turn }: Seat): boolean {
  return uses > 0 || lingers || turn === 'coming';
}

function commonDevice(one: Member, other: Member): string {
  return one.hello.devices.find((device) => other.hello.devices.includes(device)) ?? '';
}

function isGone(error: unknown): boolean {
  return error instanceof WorkerCallError && error.code === 'worker_gone';
}
