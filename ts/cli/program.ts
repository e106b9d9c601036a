import { Command, CommanderError } from 'commander';
import { ARMS } from '../domain/settings.ts';
import { EXIT, explainError } from './exitCodes.ts';
import { type KeysFlags, keysCommand } from './keys.ts';
import { type RunFlags, runCommand } from './run.ts';
import { showCommand } from './show.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

const EXIT_CODES = `
Exit codes:
  0 done   1 a bug   2 wrong usage   65 unusable model or data   69 worker unavailable
  74 input/output   78 wrong configuration   130, 143 stopped by a signal`;

/**
 * Run one command line.
 *
 * @param argv arguments after the program's name
 * @returns the exit code; errors are printed, never thrown
 */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
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
  rzero run --model ./my-model --out runs/a  another backbone: any Hugging Face causal LM
  rzero show runs/a                          the table of a finished run
${EXIT_CODES}`,
    );
  const collect = (value: string, all: string[] = []) => [...all, value];
  program
    .command('run')
    .description('co-evolve a Challenger and a Solver, and measure the Solver after each iteration')
    .option('--preset <name>', 'starting point: embedded (default), paper, mock')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of another run')
    .option('--set <name=value>', 'one option, e.g. solver.steps=20; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--arm <name>', `the whole method or an ablation: ${ARMS.join(', ')}`)
    .option('--seed <number>', 'everything random comes from it')
    .option('--iterations <number>', 'rounds of Challenger and Solver')
    .option('--out <folder>', 'run folder to make (default: runs/ and the time)')
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

  try {
    if (argv.length === 0) {
      program.outputHelp();
      return EXIT.ok;
    }
    await program.parseAsync(argv, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { exitCode, message } = explainError(error);
    // A stop that was asked for has been reported by the command itself.
    if (!terminal.signal.aborted) terminal.err(`rzero: ${message}\n`);
    return terminal.signal.aborted ? EXIT.interrupted : exitCode;
  }
}
