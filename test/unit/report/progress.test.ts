import { describe, expect, test } from '@jest/globals';
import type { LoopEvent, Phase } from '../../../ts/ports/reporter.ts';
import { createProgressReporter } from '../../../ts/report/progress.ts';
import { Screen } from './screen.ts';

const EASY = 'Keep only the last two digits. Start with 47. (1) Add 8.';
const LONG =
  'Keep only the last two digits. Start with 31. (1) Multiply by 7. (2) Subtract 8. (3) Multiply by 3. (4) Add 9. (5) Subtract 6.';

/** A reporter in front of a screen, with a clock that the test moves. */
function watch({ live = true, colour = false, unicode = true, columns = 100, iterations = 0 } = {}) {
  const screen = new Screen(columns);
  let now = 0;
  const reporter = createProgressReporter({
    write: screen.write,
    terminal: { live, colour, unicode, width: () => columns },
    clock: { now: () => now },
    samples: 4,
    ...(iterations > 0 && { run: { iterations, trainsChallenger: true } }),
  });
  const wait = (seconds: number) => {
    now += seconds;
  };
  const report = (...events: LoopEvent[]) => events.forEach(reporter.report);
  return { screen, wait, report };
}

const NOTES: Record<Phase, [number, 'steps' | 'answers', string]> = {
  evaluation: [3200, 'answers', '640 held-out problems'],
  challenger: [10, 'steps', 'learns to ask what the Solver half knows'],
  questions: [4400, 'answers', 'asks, answers, votes, keeps the middle band'],
  solver: [15, 'steps', 'learns to agree with the majority'],
};

function started(iteration: number, phase: Phase): LoopEvent {
  const [total, unit, note] = NOTES[phase];
  return { type: 'phase-started', iteration, phase, total, unit, note };
}

function progress(iteration: number, phase: Phase, done: number): LoopEvent {
  return { type: 'progress', iteration, phase, done, total: NOTES[phase][0] };
}

function step(iteration: number, phase: Phase, number: number, metrics: Record<string, number>): LoopEvent {
  return { type: 'step', iteration, phase, step: number, steps: NOTES[phase][0], metrics };
}

function asked(iteration: number, phase: Phase, question: string, agreement: number, label: string | null): LoopEvent {
  return { type: 'sample-question', iteration, phase, question, agreement, samples: 10, label };
}

function ended(iteration: number, phase: Phase, seconds: number, metrics: Record<string, number>): LoopEvent {
  return { type: 'phase-ended', iteration, phase, seconds, metrics };
}

const SCORES = { greedy: 0.21, mean: 0.382, majority: 0.501, worked: 0.714 };
const QUESTIONS = {
  candidates: 400,
  wellFormed: 0.99,
  kept: 171,
  keptShare: 0.4275,
  tooEasyShare: 0.4,
  tooHardShare: 0.1625,
  noLabelShare: 0,
  agreement: 0.7,
};

/** The first iteration up to its Solver, a few events a phase. */
function play({ report, wait }: ReturnType<typeof watch>): void {
  report(started(0, 'evaluation'));
  wait(2);
  report(progress(0, 'evaluation', 1600));
  wait(2);
  report(ended(0, 'evaluation', 4, SCORES), started(1, 'challenger'));
  for (let number = 1; number <= 10; number++) {
    wait(1.2);
    report(asked(1, 'challenger', number < 3 ? EASY : LONG, number / 20, '55'));
    report(step(1, 'challenger', number, { reward: 0.2 + number / 40, wellFormed: 0.99, agreement: 0.8, kl: 0.01 }));
  }
  report(ended(1, 'challenger', 12, { reward: 0.45, wellFormed: 0.99, agreement: 0.8 }), started(1, 'questions'));
  wait(75);
  report(progress(1, 'questions', 4000), asked(1, 'questions', LONG, 0.6, '24'));
  report(ended(1, 'questions', 75, QUESTIONS), started(1, 'solver'));
  wait(3);
  report(step(1, 'solver', 1, { reward: 0.512, kl: 0.0004, meanLength: 31.2 }));
}

describe('on a terminal', () => {
  test('a run, as a person sees it', () => {
    const watched = watch();
    play(watched);
    expect(`\n${watched.screen.text()}\n`).toMatchInlineSnapshot(`
"
base         evaluation  3200 answers          4 s  greedy 21.0 %  mean@4 38.2 %  majority@4 50.1 %
iteration 1  challenger  10 steps             12 s  reward 0.45  well-formed 99 %  agreement 80 %
             asked first  1 of 10 agree   Keep only the last two digits. Start with 47. (1) Add 8.
             asked last   5 of 10 agree   Keep only the last ... by 3. (4) Add 9. (5) Subtract 6.
iteration 1  questions   400 questions  1 min 15 s  kept 171 of 400 (43 %)  too easy 40 %
             for example  6 of 10 agree   Keep only the last ... by 3. (4) Add 9. (5) Subtract 6.
iteration 1  solver      [----------]   1/15 steps  reward 0.51  KL 0.0004  3 s, 42 s left
"
`);
  });

  test('a running phase is one line that is drawn again', () => {
    const { screen, wait, report } = watch();
    report(started(1, 'challenger'));
    const note = screen.text();
    wait(1);
    report(step(1, 'challenger', 1, { reward: 0.231, wellFormed: 1, agreement: 0.9 }));
    const first = screen.text();
    wait(5);
    report(step(1, 'challenger', 6, { reward: 0.409, wellFormed: 0.99, agreement: 0.62, repetition: 0.21 }));
    expect(`\n${[note, first, screen.text()].join('\n')}\n`).toMatchInlineSnapshot(`
"
iteration 1  challenger  [----------]   0/10 steps  learns to ask what the Solver half knows
iteration 1  challenger  [#---------]   1/10 steps  reward 0.23  well-formed 100 %  1 s, 9 s left
iteration 1  challenger  [######----]   6/10 steps  reward 0.41  well-formed 99 %  6 s, 4 s left
"
`);
  });

  test('it is not drawn more than ten times a second', () => {
    const { screen, wait, report } = watch();
    report(started(0, 'evaluation'));
    const before = screen.raw.length;
    for (let done = 1; done <= 90; done++) {
      wait(0.001);
      report(progress(0, 'evaluation', done));
    }
    expect(screen.raw.length).toBe(before);
    wait(0.01);
    report(progress(0, 'evaluation', 91));
    expect(screen.text()).toContain('  91/3200 answers');
  });

  test('the cursor rests on a line of its own, so that an error or a prompt begins there', () => {
    const watched = watch();
    play(watched);
    expect(watched.screen.cursor()).toEqual({ row: watched.screen.text().split('\n').length, column: 0 });
  });

  test('a warning stays above the running phase', () => {
    const { screen, wait, report } = watch();
    report(started(2, 'solver'));
    report({
      type: 'warning',
      iteration: 2,
      phase: 'solver',
      message:
        'only 12 questions were kept for batches of 32: each is used several times, which is more than a line can hold',
    });
    wait(1);
    report(step(2, 'solver', 1, { reward: 0.5, kl: 0 }));
    expect(`\n${screen.text()}\n`).toMatchInlineSnapshot(`
"
iteration 2  solver      warning: only 12 questions were kept for batches of 32: each is used
                         several times, which is more than a line can hold
iteration 2  solver      [----------]   1/15 steps  reward 0.50  KL 0.00  1 s, 14 s left
"
`);
  });

  test.each([60, 80, 100, 200])('no line is wider than %i columns', (columns) => {
    const watched = watch({ columns });
    play(watched);
    for (const line of watched.screen.text().split('\n')) expect(line.length).toBeLessThan(columns);
    // One row for each finished phase and its questions, none left over from drawing again.
    expect(watched.screen.text().split('\n')).toHaveLength(7);
  });

  test('a window made narrower leaves no debris', () => {
    let columns = 100;
    const screen = new Screen(50);
    let now = 0;
    const { report } = createProgressReporter({
      write: screen.write,
      terminal: { live: true, colour: false, width: () => columns },
      clock: { now: () => now },
    });
    columns = 50;
    report(started(1, 'challenger'));
    columns = 45;
    now = 1;
    report(step(1, 'challenger', 1, { reward: 0.2 }));
    expect(screen.text().split('\n')).toHaveLength(1);
  });

  test('colours change nothing but colour', () => {
    const plain = watch();
    const colourful = watch({ colour: true });
    play(plain);
    play(colourful);
    expect(colourful.screen.text()).toBe(plain.screen.text());
    expect(colourful.screen.raw).toContain('\u001b[36m');
    expect(plain.screen.raw).not.toContain('\u001b[36m');
  });

  test('what a model writes cannot move the cursor', () => {
    const { screen, report, wait } = watch();
    report(started(1, 'challenger'));
    wait(1);
    report(asked(1, 'challenger', 'Erase\u001b[2J\r\nall \u202ethis\u0007', 0.5, '\u001b]0;title\u0007'));
    expect(screen.text()).toContain('5 of 10 agree   Erase [2J all this');
  });
});

describe('how the answers agree, what the workers do and what the run has left', () => {
  const worked = (tokens: number, seconds: number, busySeconds: number): LoopEvent => {
    return { type: 'activity', tokens, deviceSeconds: 8 * seconds, busySeconds: 8 * busySeconds };
  };
  const agree = (phase: Phase, agreements: number[]): LoopEvent => {
    return { type: 'agreements', iteration: 1, phase, agreements };
  };

  /** Into the second of two iterations. */
  function playOn({ report, wait }: ReturnType<typeof watch>): void {
    report(worked(0, 0, 0), started(0, 'evaluation'));
    wait(4);
    report(worked(8000, 4, 3), ended(0, 'evaluation', 4, SCORES), started(1, 'challenger'));
    wait(60);
    report(agree('challenger', [0.1, 0.2, 0.2, 1]), worked(68_000, 64, 50), step(1, 'challenger', 5, { reward: 0.3 }));
    wait(60);
    report(agree('challenger', [0.5, 0.5, 0.6, 0.4, 0.3]), worked(188_000, 124, 104));
    wait(0.2);
    report(step(1, 'challenger', 9, { reward: 0.4 }));
  }

  function seen(columns: number): string {
    const watched = watch({ columns, iterations: 2 });
    playOn(watched);
    const running = watched.screen.text();
    watched.report(ended(1, 'challenger', 120, { reward: 0.4 }));
    return `\n${running}\n\n${watched.screen.text()}\n`;
  }

  test('at 60 columns', () => {
    expect(seen(60)).toMatchInlineSnapshot(`
"
base         evaluation  3200 answers          4 s
             2 k tokens/s  busy 75 %
iteration 1  challenger   9/10 steps  2 min 00 s, 13 s left
             p-hat 0 [   ▄▄█▄    ] 1

base         evaluation  3200 answers          4 s
             2 k tokens/s  busy 75 %
iteration 1  challenger  9/10 steps     2 min 00 s
             p-hat 0 [   ▄▄█▄    ] 1  1.5 k tokens/s
"
`);
  });

  test('at 80 columns', () => {
    expect(seen(80)).toMatchInlineSnapshot(`
"
base         evaluation  3200 answers          4 s  greedy 21.0 %
             2 k tokens/s  busy 75 %
iteration 1  challenger  [#########-]   9/10 steps  2 min 00 s, 13 s left
             p-hat 0 [   ▄▄█▄    ] 1  1.5 k tokens/s, now 2 k  busy 84 %

base         evaluation  3200 answers          4 s  greedy 21.0 %
             2 k tokens/s  busy 75 %
iteration 1  challenger  9/10 steps     2 min 00 s  reward 0.40
             p-hat 0 [   ▄▄█▄    ] 1  1.5 k tokens/s  busy 84 %
"
`);
  });

  test('at 140 columns', () => {
    expect(seen(140)).toMatchInlineSnapshot(`
"
base         evaluation  3200 answers          4 s  greedy 21.0 %  mean@4 38.2 %  majority@4 50.1 %  if worked 71.4 %
             2 k tokens/s  busy 75 %
iteration 1  challenger  [#########-]   9/10 steps  reward 0.40  2 min 00 s, 13 s left
             p-hat 0 [   ▄▄█▄    ] 1  1.5 k tokens/s, now 2 k  busy 84 %

base         evaluation  3200 answers          4 s  greedy 21.0 %  mean@4 38.2 %  majority@4 50.1 %  if worked 71.4 %
             2 k tokens/s  busy 75 %
iteration 1  challenger  9/10 steps     2 min 00 s  reward 0.40
             p-hat 0 [   ▄▄█▄    ] 1  1.5 k tokens/s  busy 84 %
"
`);
  });

  test('in ASCII where there is nothing else', () => {
    const watched = watch({ unicode: false });
    playOn(watched);
    expect(watched.screen.text()).toContain('p-hat 0 [   ==@=    ] 1');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
    expect(watched.screen.text()).toMatch(/^[\u0000-\u007f]*$/);
  });

  test('candidates add up, and questions of an earlier step do not', () => {
    const watched = watch();
    playOn(watched);
    expect(watched.screen.text()).toContain('p-hat 0 [   ▄▄█▄    ] 1');
    watched.report(ended(1, 'challenger', 120, {}), started(1, 'questions'));
    watched.report(agree('questions', [0, 0]), agree('questions', [1, 1, 1, 1]));
    watched.wait(1);
    watched.report(progress(1, 'questions', 10));
    expect(watched.screen.text()).toContain('p-hat 0 [▄         █] 1');
  });

  test('the run has left what nobody knows until each kind of phase was there, and then the sum', () => {
    const { screen, wait, report } = watch({ iterations: 2 });
    for (const [iteration, phase, seconds] of [
      [0, 'evaluation', 10],
      [1, 'challenger', 100],
      [1, 'questions', 50],
    ] as const) {
      report(started(iteration, phase));
      wait(seconds / 2);
      report(progress(iteration, phase, NOTES[phase][0] / 2));
      expect(screen.text()).not.toContain('run:');
      report(ended(iteration, phase, seconds, {}));
    }
    report(started(1, 'solver'));
    wait(60);
    report(progress(1, 'solver', 5));
    // 120 of this one, an evaluation, and an iteration as the first: 10 + 100 + 50 + 180 + 10.
    expect(screen.text()).toContain('run: 7 min 50 s left');
  });

  test('a run that goes on knows from its record how long phases take', () => {
    const { screen, wait, report } = watch({ iterations: 2 });
    for (const [iteration, phase, seconds] of [
      [0, 'evaluation', 10],
      [1, 'challenger', 100],
      [1, 'questions', 50],
      [1, 'solver', 150],
      [1, 'evaluation', 10],
    ] as const) {
      report({ type: 'phase-skipped', iteration, phase, seconds, metrics: {} });
    }
    report({ ...started(2, 'challenger'), recorded: 7 } as LoopEvent);
    wait(0.5);
    report({ type: 'phase-resumed', iteration: 2, phase: 'challenger', step: 5 });
    wait(0.2);
    report(progress(2, 'challenger', 5));
    // Half of it is done, so half of what the last one took, less 0.2 s, and the others.
    expect(screen.text()).toContain('0.7 s, 50 s left');
    expect(screen.text()).toContain('run: 4 min 20 s left');
    wait(10);
    report(progress(2, 'challenger', 6));
    expect(screen.text()).toContain('11 s, 40 s left');
  });
});

describe('without a terminal', () => {
  test('a run, as its log has it', () => {
    const watched = watch({ live: false });
    play(watched);
    expect(`\n${watched.screen.raw}`).toMatchInlineSnapshot(`
"
base         evaluation  3200 answers          4 s  greedy 21.0 %  mean@4 38.2 %  majority@4 50.1 %
iteration 1  challenger   4/10 steps  reward 0.30  well-formed 99 %  agreement 80 %  6 s, 9 s left
iteration 1  challenger   9/10 steps  reward 0.43  well-formed 99 %  agreement 80 %  12 s, 1 s left
iteration 1  challenger  10 steps             12 s  reward 0.45  well-formed 99 %  agreement 80 %
             asked first  1 of 10 agree   Keep only the last two digits. Start with 47. (1) Add 8.
             asked last   5 of 10 agree   Keep only the last ... by 3. (4) Add 9. (5) Subtract 6.
iteration 1  questions   4000/4400 answers  1 min 15 s, 8 s left
iteration 1  questions   400 questions  1 min 15 s  kept 171 of 400 (43 %)  too easy 40 %
             for example  6 of 10 agree   Keep only the last ... by 3. (4) Add 9. (5) Subtract 6.
"
`);
  });

  test('there is at most one line in five seconds a phase, and one at its end', () => {
    const { screen, wait, report } = watch({ live: false });
    report(started(1, 'solver'));
    for (let number = 1; number <= 15; number++) {
      wait(1);
      report(step(1, 'solver', number, { reward: 0.5 }));
    }
    report(ended(1, 'solver', 15, { reward: 0.5 }));
    // At 5, 10 and 15 seconds, and the end.
    expect(screen.raw.trimEnd().split('\n')).toHaveLength(4);
  });

  test('there are no escape codes', () => {
    const watched = watch({ live: false });
    play(watched);
    expect(watched.screen.raw).not.toContain('\u001b');
    expect(watched.screen.raw).not.toContain('\r');
  });
});

describe('a run that goes on', () => {
  test('shows what was done before, and from where the rest goes on', () => {
    const { screen, report } = watch({ live: false });
    report({ type: 'phase-skipped', iteration: 0, phase: 'evaluation', seconds: 2, metrics: SCORES });
    report({ ...started(1, 'challenger'), recorded: 12 } as LoopEvent);
    report({ type: 'phase-resumed', iteration: 1, phase: 'challenger', step: 5 });
    const [skipped, begun, resumed] = screen.text().split('\n');
    expect(skipped).toMatch(/^base +evaluation +done before +greedy 21\.0 % {2}mean@4 38\.2 %/);
    expect(begun).toMatch(/^iteration 1 +challenger +goes on, with 12 answers on record$/);
    expect(resumed).toMatch(/^iteration 1 +challenger +goes on after step 5$/);
  });

  test('says once what a run that begins again from its record comes by once more', () => {
    const { screen, report } = watch({ live: false });
    report(started(0, 'evaluation'), ended(0, 'evaluation', 2, SCORES));
    report({ type: 'recovery', message: 'what was in training is lost with its worker' });
    report({ type: 'phase-skipped', iteration: 0, phase: 'evaluation', seconds: 2, metrics: SCORES });
    const lines = screen.text().trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe('recovery: what was in training is lost with its worker');
  });
});

describe('a reporter', () => {
  test('never throws, and is silent after a failed write', () => {
    let writes = 0;
    const { report } = createProgressReporter({
      write: () => {
        writes++;
        throw new Error('EPIPE');
      },
      terminal: { live: true, colour: false, width: () => 80 },
      clock: { now: () => 0 },
    });
    expect(() => report(started(0, 'evaluation'))).not.toThrow();
    expect(() => report(ended(0, 'evaluation', 1, SCORES))).not.toThrow();
    expect(writes).toBe(1);
  });

  test('takes events of a phase that it did not see begin', () => {
    const { screen, report } = watch();
    report(progress(1, 'solver', 3), step(1, 'solver', 4, {}), asked(1, 'solver', EASY, 1, null));
    expect(screen.text()).toBe('');
    report(ended(1, 'solver', 1, { reward: 0.5 }));
    expect(screen.text()).toContain('reward 0.50');
  });

  test('says so when a phase took fewer steps than planned', () => {
    const { screen, report } = watch();
    report(started(1, 'solver'), ended(1, 'solver', 0.2, { steps: 0 }));
    expect(screen.text()).toMatch(/^iteration 1\s+solver\s+0\/15 steps\s+0\.2 s$/);
  });
});

test('an early warning is told by its name, and a roll-back in a line of its own', () => {
  const { screen, report } = watch({ columns: 120 });
  report(
    { type: 'warning', iteration: 2, phase: 'questions', message: 'too few', name: 'nothing-kept', action: 'stop' },
    { type: 'roll-back', message: 'iteration 3 starts from iteration 1' },
  );
  expect(screen.text()).toBe(
    'iteration 2  questions   warning: nothing-kept: too few\nroll-back: iteration 3 starts from iteration 1',
  );
});

describe('who starts from what', () => {
  const line = (starts: Partial<Extract<LoopEvent, { type: 'iteration-started' }>>) => {
    const { screen, report } = watch({ columns: 120 });
    report({
      type: 'iteration-started',
      iteration: 1,
      challengerFrom: 0,
      solverFrom: 0,
      trainsChallenger: true,
      ...starts,
    });
    return screen.text().trim();
  };

  test('the first iteration starts from the base, a later one from the last', () => {
    expect(line({})).toBe('iteration 1  Challenger 1 from the base, judged by the base; Solver 1 from the base');
    expect(line({ iteration: 2, challengerFrom: 1, solverFrom: 1 })).toBe(
      'iteration 2  Challenger 2 from Challenger 1, judged by Solver 1; Solver 2 from Solver 1',
    );
  });

  test('a variant is told as it is', () => {
    const variant = { challengerFrom: 'Solver 1', judge: 'itself', solverFrom: 'Challenger 2' };
    expect(line({ iteration: 2, challengerFrom: 1, solverFrom: 1, variant })).toBe(
      'iteration 2  Challenger 2 from Solver 1, judged by itself; Solver 2 from Challenger 2',
    );
  });

  test('an untrained Challenger only asks', () => {
    expect(line({ iteration: 2, solverFrom: 1, trainsChallenger: false })).toBe(
      'iteration 2  the base asks; Solver 2 from Solver 1',
    );
  });
});
