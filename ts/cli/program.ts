import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands/index.ts';
import { EXIT, EXIT_CODES } from './exitCodes.ts';
import { type StopSignal, stoppedCode } from './stop.ts';
import { type BareTerminal, withoutSecrets } from './terminal.ts';
import { VERSION } from './version.ts';

/**
 * Run one command line.
 *
 * @param argv arguments after the program's name
 * @returns the exit code; errors are printed, never thrown
 */
export async function runCli(argv: readonly string[], given: BareTerminal): Promise<number> {
  const terminal = withoutSecrets(given);
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
  let exitCode: number = EXIT.ok;
  const finish = (code: number): void => {
    exitCode = code;
  };
  for (const [title, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(title);
    for (const add of commands) add(program, { terminal, finish, exitCodes: EXIT_CODES });
  }

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
    const { explainError } = await import('./explainError.ts');
    const explained = explainError(error);
    terminal.err(`rzero: ${explained.message}\n`);
    return explained.exitCode;
  }
}
