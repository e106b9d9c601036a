import { type Command, createArgument } from 'commander';
import type { Shell } from '../completion.ts';
import type { CommandContext } from './context.ts';

/** `rzero completion` */
export function addCompletion(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('completion')
    .description('print a script that completes commands, options, presets and run folders in a shell')
    .addArgument(createArgument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      `
Examples:
  source <(rzero completion bash)       in ~/.bashrc
  source <(rzero completion zsh)        in ~/.zshrc
  rzero completion fish | source        in ~/.config/fish/config.fish
${exitCodes}`,
    )
    .action(async (shell: Shell) => {
      const { completionCommand } = await import('../completion.ts');
      completionCommand(shell, program, terminal);
    });
}
