import type { Command } from 'commander';
import type { ContractFlags } from '../contractPlan.ts';
import type { CommandContext } from './context.ts';

/** `rzero contract` */
export function addContract(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
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
${exitCodes}`,
    )
    .action(async (flags: ContractFlags) => {
      const { contractCommand } = await import('../contract.ts');
      finish(await contractCommand(flags, terminal));
    });
}
