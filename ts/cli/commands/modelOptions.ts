import type { Command } from 'commander';

/** Adds the options that say which model of a run is meant, and in what form. */
export function withModelOptions(command: Command): Command {
  return command
    .option('--role <name>', 'solver (default) or challenger')
    .option('--iteration <which>', 'a number, last (default), or best: by mean@k on the held-out problems')
    .option('--merge', 'of a run with adapters: merge them into all weights')
    .option('--dtype <name>', "float32, bfloat16 or float16 (default: the base model's)");
}
