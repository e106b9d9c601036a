import { cpus, loadavg } from 'node:os';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { majorityVote } from '../domain/vote.ts';
import { peerPython, upstreamTests } from './answers/environment.ts';
import { readPairs } from './answers/file.ts';
import { type Grader, OURS, type Outcome } from './answers/grader.ts';
import { HOSTILE } from './answers/hostile.ts';
import { type AnswersOptions, parseOptions } from './answers/options.ts';
import type { Pair } from './answers/pair.ts';
import { makePairs } from './answers/pairs.ts';
import { PEERS, Peer, programPath } from './answers/peer.ts';
import { score } from './answers/score.ts';
import { formatKinds, formatScores, type Scores } from './answers/table.ts';

/** Pairs that each grader has seen before it is measured: JavaScript is compiled as it runs, SymPy has caches. */
const WARM_UP = { ours: 10_000, peers: 500 };

/** Questions and samples of the vote that is timed. */
const VOTE = { questions: 8000, samples: 10 };

/**
 * `npm run bench -- answers`: agreement and speed of our grader beside Math-Verify and mathruler, on pairs whose truth is
 * known because they were made so, on hostile inputs, and on Math-Verify's own tests. The last line is one JSON object;
 * tables in Markdown go to stderr before it.
 */
async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  const [load = 0] = loadavg(); // before our own
  const pairs = options.file === undefined ? makePairs(options.pairs, options.seed) : await readPairs(options.file);
  const python = options.skipPeers ? undefined : (options.peers ?? (await peerPython(pythonPath(process.env, 'mock'))));
  const upstream = await ownTests(python, options);
  const peerOf = (name: string) =>
    new Peer(name, [python as string, programPath('peer.py'), name], 1000 * options.limit);
  const graders = [OURS, ...(python ? PEERS.map(peerOf) : [])];

  const measured = await measureAll(graders, pairs, upstream, options.seed).finally(() =>
    Promise.all(graders.map((grader) => grader.close())),
  );
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length, load };
  const { seed, limit } = options;
  const vote = { ...VOTE, seconds: timeVotes(pairs) };
  process.stdout.write(`${JSON.stringify({ bench: 'answers', machine, seed, limit, ...measured, vote })}\n`);
}

async function measureAll(
  graders: readonly Grader[],
  pairs: readonly Pair[],
  upstream: readonly Pair[],
  seed: number,
): Promise<Record<string, Scores>> {
  for (const grader of graders) {
    const count = grader === OURS ? WARM_UP.ours : WARM_UP.peers;
    for (const { gold, pred } of makePairs(count, seed + 1)) await grader.grade(gold, pred);
  }
  return {
    pairs: await measure('pairs', graders, pairs),
    hostile: await measure('hostile inputs', graders, HOSTILE),
    upstream: await measure("Math-Verify's own tests", graders, upstream),
  };
}

async function ownTests(python: string | undefined, options: AnswersOptions): Promise<Pair[]> {
  if (python === undefined && options.upstream === undefined) return [];
  return upstreamTests(python ?? pythonPath(process.env, 'mock'), options.upstream);
}

async function measure(title: string, graders: readonly Grader[], pairs: readonly Pair[]): Promise<Scores> {
  const scores: Record<string, ReturnType<typeof score>> = {};
  if (pairs.length === 0) return scores;
  for (const grader of graders) {
    const outcomes: Outcome[] = [];
    for (const [index, { gold, pred }] of pairs.entries()) {
      outcomes.push(await grader.grade(gold, pred));
      if (index % 100 === 99) process.stderr.write(`${grader.name}: ${index + 1} of ${pairs.length} ${title}\n`);
    }
    scores[grader.name] = score(pairs, outcomes);
  }
  process.stderr.write(`\n${formatScores(title, scores)}\n\n${formatKinds(scores)}\n\n`);
  return scores;
}

/** Seconds for the votes on as many questions, each with answers that are written in several ways. */
function timeVotes(pairs: readonly Pair[]): number {
  const start = process.hrtime.bigint();
  for (let question = 0; question < VOTE.questions; question++) {
    const { gold, pred } = pairs[question % pairs.length] as Pair;
    const other = (pairs[(7 * question) % pairs.length] as Pair).pred;
    majorityVote([gold, pred, gold, other, pred, gold, null, `$${gold}$`, gold, pred].slice(0, VOTE.samples));
  }
  return Number(process.hrtime.bigint() - start) / 1e9;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`answers: ${message}\n`);
  process.exitCode = exitCode;
}
