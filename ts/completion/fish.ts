import type { CommandTree, Wanted } from './tree.ts';

/** Completion for fish: a script to be sourced. */
export function fishScript(program: CommandTree): string {
  const { name } = program;
  const first = program.commands.map((one) => {
    return `complete -c ${name} -f -n __fish_use_subcommand -a ${one.name} -d ${quoted(one.description)}`;
  });
  const rest = program.commands.flatMap((one) => [
    ...linesOf(name, one, `__fish_seen_subcommand_from ${one.name}`),
    ...one.commands.flatMap((inner) => {
      const seen = `__fish_seen_subcommand_from ${one.name}; and __fish_seen_subcommand_from ${inner.name}`;
      const choice = `__fish_seen_subcommand_from ${one.name}; and not __fish_seen_subcommand_from ${inner.name}`;
      return [
        `complete -c ${name} -f -n ${quoted(choice)} -a ${inner.name} -d ${quoted(inner.description)}`,
        ...linesOf(name, inner, seen),
      ];
    }),
  ]);
  return `# Completion of ${name} for fish: ${name} completion fish | source
function __rzero_runs
  for name in runs/*/journal runs/*/*/journal
    string replace -r '/journal$' '' $name
  end
end
${[...first, ...rest].join('\n')}
`;
}

function linesOf(name: string, { options, operand }: CommandTree, condition: string): string[] {
  const complete = `complete -c ${name} -n ${quoted(condition)}`;
  return [
    ...(operand === undefined ? [] : [`${complete} ${found(operand)}`]),
    ...options.map((option) => {
      const value = option.value === undefined ? '' : ` -r ${found(option.value)}`;
      return `${complete} -l ${option.name.slice(2)} -d ${quoted(option.description)}${value}`;
    }),
  ];
}

/** How fish finds what is wanted. */
function found(wanted: Wanted): string {
  if (wanted === 'file') return '-F';
  if (wanted === 'folder') return `-f -a '(__fish_complete_directories)'`;
  if (wanted === 'run') return `-f -a '(__rzero_runs) (__fish_complete_directories)'`;
  return wanted === 'anything' ? '-f' : `-f -a ${quoted(wanted.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
