import { Command, CommanderError } from 'commander';
import { ARMS } from '../domain/settings.ts';
import { GPU_NAMES } from '../placement/gpu.ts';
import { contractCommand } from './contract.ts';
import type { ContractFlags } from './contractPlan.ts';
import { EXIT, explainError } from './exitCodes.ts';
import { addFilters } from './filters.ts';
import { type ForkFlags, forkCommand } from './fork.ts';
import { type KeysFlags, keysCommand } from './keys.ts';
import { addMethodFilters } from './methodFilters.ts';
import { type PlanFlags, planCommand } from './plan.ts';
import { type ResumeFlags, resumeCommand } from './resume.ts';
import { type RunFlags, runCommand } from './run.ts';
import { showCommand } from './show.ts';
import { type StopSignal, stoppedCode } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { addUpkeep } from './upkeep.ts';
import { VERSION } from './version.ts';

const EXIT_CODES = `
Exit codes:
  0 done   1 a bug   2 wrong usage   65 unusable model or data   69 worker unavailable
  74 input/output   75 told to stop, can go on: start it again   76 a worker breaks the contract
  78 wrong configuration   129, 130, 143 stopped by a signal`;

/**
 * Run one command line.
 *
 * @param argv arguments after the program's name
 * @returns the exit code; errors are printed, never thrown
 */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { signal } = terminal;
  const program = new Command('rzero')
    .description('R-Zero: a Challenger and a Solver, from one base model, with no tasks and no labels from people.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      outputError: (message, write) => write(message.replace(/^error: /, 'rzero: ')),
      getOutHelpWidth: () => terminal.page.width(),
      getErrHelpWidth: () => terminal.screen.width(),
    })
    .showHelpAfterError('(rzero --help lists the commands)')
    .addHelpText(
      'after',
      `
Examples:
  rzero run                                  the whole method on the embedded base model (minutes, one CPU core)
  rzero run --arm untrained-challenger       the same without training the Challenger
  rzero run --preset mock                    the whole loop against the mock worker, in seconds
  rzero plan --preset paper --gpus 8 --gpu h100   what would compute where, and for how long
  rzero run --model ./my-model --out runs/a  another backbone: any Hugging Face causal LM
  rzero resume runs/a                        go on with a run that was stopped or lost
  rzero show runs/a                          the table of a finished run
  rzero runs                                 all runs: how each stands, and where it is
  rzero contract --worker mock               try every promise of the worker protocol on a worker
  rzero grade < pairs.jsonl                  is each answer the right one?
  rzero score --preset paper < batch.jsonl   what the Challenger would have been paid
${EXIT_CODES}`,
    );
  const collect = (value: string, all: string[] = []) => [...all, value];
  program
    .command('run')
    .description('co-evolve a Challenger and a Solver, and measure the Solver after each iteration')
    .option('--preset <name>', 'starting point: embedded (default), paper, repo-head, repo-2025, mock')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of another run')
    .option('--set <name=value>', 'one option, e.g. solver.steps=20; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--arm <name>', `the whole method or an ablation: ${ARMS.join(', ')}`)
    .option('--seed <number>', 'everything random comes from it')
    .option('--iterations <number>', 'rounds of Challenger and Solver')
    .option('--out <folder>', 'run folder to make (default: runs/ and the time), or to go on with')
    .addHelpText(
      'after',
      `
Examples:
  rzero run
  rzero run --seed 2 --arm shuffled-labels --out runs/shuffled
  rzero run --config runs/shuffled/config.yml --seed 3
  rzero run --model ./TinyLlama --iterations 1 --set solver.steps=5 --set questions.candidates=64
${EXIT_CODES}`,
    )
    .action((flags: RunFlags) => runCommand(flags, terminal));
  program
    .command('resume')
    .description('go on with a run that was stopped, lost or failed')
    .argument('<folder>', 'run folder')
    .option('--set <name=value>', 'an option that may change meanwhile, e.g. worker.count=4; may be repeated', collect)
    .addHelpText(
      'after',
      `
What was finished stays; what was under way goes on from its last checkpoint and from what is on record, to the result
that it would have had anyway. Options that would make it another run are refused: see rzero fork.

Examples:
  rzero resume runs/a
  rzero resume runs/a --set iterations=5 --set worker.count=2
${EXIT_CODES}`,
    )
    .action((folder: string, flags: ResumeFlags) => resumeCommand(folder, flags, terminal));
  program
    .command('fork')
    .description('make a run that shares the first phases of another and goes on otherwise')
    .argument('<folder>', 'run folder')
    .requiredOption('--at <point>', 'what it does itself first: iteration:2, or iteration:2/solver')
    .requiredOption('--out <folder>', 'run folder to make')
    .option('--set <name=value>', 'one option, e.g. solver.steps=20; may be repeated', collect)
    .addHelpText(
      'after',
      `
Nothing is started: rzero resume does. Files are linked where the file system can, so that what is shared takes no room.

Examples:
  rzero fork runs/a --at iteration:2 --out runs/b --set solver.optimizer.learningRate=3e-4
  rzero fork runs/a --at iteration:1/solver --out runs/c --set questions.delta=0.2
${EXIT_CODES}`,
    )
    .action((folder: string, flags: ForkFlags) => forkCommand(folder, flags, terminal));
  program
    .command('plan')
    .description('say which GPUs would sample and which train, what they would hold, and how long it would take')
    .option('--preset <name>', 'starting point: embedded (default), paper, repo-head, repo-2025, mock')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of a run')
    .option('--set <name=value>', 'one option, e.g. placement.layout=apart; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--gpus <number>', 'GPUs of a host (default: those of this machine)')
    .option('--hosts <number>', 'hosts with as many GPUs each (default: 1)')
    .option('--gpu <name>', `their kind (default: this machine's): ${GPU_NAMES.join(', ')}`)
    .option('--json', 'the plan as JSON')
    .addHelpText(
      'after',
      `
Nothing is started. The exit code is 0 if the run fits and 78 if it cannot; then the message says what is too large and
which single changes would make it fit.

Examples:
  rzero plan                                                on the GPUs of this machine
  rzero plan --preset paper --gpus 8 --gpu h100
  rzero plan --preset paper --model Qwen/Qwen3-8B-Base --hosts 2 --gpus 8 --gpu a100-80
  rzero plan --preset paper --gpus 1 --gpu rtx-4090 --set trainer.loraRank=32
  rzero plan --preset paper --gpus 8 --gpu h100 --set placement.layout=apart --set placement.trainerGpus=2
${EXIT_CODES}`,
    )
    .action((flags: PlanFlags) => planCommand(flags, terminal));
  program
    .command('show')
    .description("print a finished run's table")
    .argument('<folder>', 'run folder')
    .option('--json', 'the summary as JSON')
    .action((folder: string, flags: { json?: true }) => showCommand(folder, flags, terminal));
  program
    .command('keys')
    .description('make the keys for workers on other machines, or add workers to them')
    .argument('<folder>', 'key folder to make, or to add to')
    .option('--workers <number>', 'workers worker-1 to worker-N (default: 1)')
    .option('--name <name>', 'a worker by a name of your own; may be repeated', collect)
    .action((folder: string, flags: KeysFlags) => keysCommand(folder, flags, terminal));

  let exitCode: number = EXIT.ok;
  program
    .command('contract')
    .description('try every promise of the worker protocol (proto/README.md) on one worker')
    .option('--worker <name|command>', 'mock, torch, vllm, or a command that starts a worker')
    .option('--listen <address>', 'wait for a worker that dials in, e.g. tcp://127.0.0.1:5700')
    .option('--keys <folder>', 'keys of `rzero keys`, where --listen leaves this machine')
    .option('--source <model>', 'a small model for load_model (needed unless the worker is one of ours)')
    .option('--tolerance <x>', 'how far log-probs of one distribution may be apart')
    .option('--learning-rate <x>', 'of a step that moves log-probs visibly and does not overshoot')
    .option('--only <id...>', 'these cases alone')
    .option('--skip <id=reason...>', 'leave cases out; the report shows why')
    .option('--deadline <seconds>', 'a case that takes longer has failed (default: 60)')
    .option('--wait <seconds>', 'how long a worker may take to connect (default: 300)')
    .option('--threads <number>', "the worker's compute threads (default: 1)")
    .option('--json', 'one JSON document on stdout, the report on stderr')
    .addHelpText(
      'after',
      `
A command is split at spaces and quotes; no shell is run. It is started in this folder with
\`--connect ENDPOINT\` behind it and the secret in RZERO_TOKEN.

Examples:
  rzero contract --worker mock
  rzero contract --worker "./my-worker --fast" --source ./tiny-model
  rzero contract --worker torch --only greedy top-k-top-p
  rzero contract --listen tcp://127.0.0.1:5700 --source ./tiny-model --skip 'texts=no tokenizer yet'
${EXIT_CODES}`,
    )
    .action(async (flags: ContractFlags) => {
      exitCode = await contractCommand(flags, terminal);
    });

  const finish = (code: number): void => {
    exitCode = code;
  };
  addUpkeep(program, terminal, finish, EXIT_CODES);
  addFilters(program, terminal, finish, EXIT_CODES);
  addMethodFilters(program, terminal, finish, EXIT_CODES);

  try {
    if (argv.length === 0) {
      program.outputHelp();
      return EXIT.ok;
    }
    await program.parseAsync(argv, { from: 'user' });
    return exitCode === EXIT.ok || !signal.aborted ? exitCode : stoppedCode(signal.reason as StopSignal, undefined);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // A stop that was asked for has been reported by the command itself.
    if (signal.aborted) return stoppedCode(signal.reason as StopSignal, error);
    const explained = explainError(error);
    terminal.err(`rzero: ${explained.message}\n`);
    return explained.exitCode;
  }
}
