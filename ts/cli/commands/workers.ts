import type { Command } from 'commander';
import type { WorkersFlags } from '../workers.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero workers` */
export function addWorkers(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('workers')
    .description('start and look after the workers that a plan puts on one host')
    .requiredOption('--host <number>', 'which host of the plan this machine is, from 0')
    .requiredOption('--connect <endpoint>', 'where the orchestrator listens: tcp://HOST:PORT or ipc:///PATH')
    .option('--keys <folder>', 'of `rzero keys`, or one with orchestrator.pub and the NAME.key of this host alone')
    .option('--preset <name>', 'starting point: embedded (default), paper, repo-head, repo-2025, mock')
    .option('--config <file>', 'YAML file over the preset: that of the run')
    .option('--set <name=value>', 'one option, e.g. placement.hosts=2; may be repeated', collect)
    .option('--rendezvous <host:port>', 'host 0 of the plan, where its trainer is on several hosts')
    .option('--count <number>', 'start so many alike, without a plan (default: 1 where there is nothing to plan)')
    .option('--wait <seconds>', 'how long to dial an orchestrator that does not answer (default: 600)')
    .option('--logs <folder>', 'a file for the output of each worker')
    .addHelpText(
      'after',
      `
All hosts and the orchestrator need the same configuration, from which each works out the same plan. Worker NAME needs
the keys of that name: host-0-trainer, host-1-sampler-3; host-1-worker-2 without a plan. Without --keys it needs the
orchestrator's RZERO_TOKEN, on the orchestrator's own machine. A worker that dies is started again. The command ends
with 0 when the orchestrator tells its workers to stop, and with 69 or 78 and the cause where one is not let in. After
SIGTERM or SIGUSR1 it leaves it to the orchestrator to end them, for as long as a step may take (worker.graceSeconds).

Examples:
  rzero workers --host 1 --connect tcp://head:5555 --keys keys --config config.yml
  rzero workers --host 0 --connect tcp://head:5555 --keys keys --config config.yml --rendezvous node0:29500
  rzero workers --host 0 --connect ipc:///tmp/rzero.sock --preset mock --count 2
${exitCodes}`,
    )
    .action(async (flags: WorkersFlags) => {
      const { workersCommand } = await import('../workers.ts');
      await workersCommand(flags, terminal);
    });
}
