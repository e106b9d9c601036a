/** What may stand in a place of a command line: names, or something that the shell itself finds. */
export type Wanted = readonly string[] | 'run' | 'folder' | 'file' | 'anything';

/** A command line as far as completion knows it. */
export interface CommandTree {
  name: string;
  description: string;
  options: { name: string; description: string /** Undefined for a flag. */; value: Wanted | undefined }[];
  /** What stands behind its options; undefined where nothing does. */
  operand: Wanted | undefined;
  commands: CommandTree[];
}

/** A place in a command line, and what may stand there. */
export interface Place {
  /** The commands before it: `model check`; '' at the start. */
  command: string;
  /** The option whose value it is; '' for an operand, `-` for an option. */
  before: string;
  wanted: Wanted;
}

/** All places of a program that have something to complete. */
export function placesOf(program: CommandTree): Place[] {
  return placesIn(program, '');
}

function placesIn({ options, operand, commands }: CommandTree, command: string): Place[] {
  const names = options.map(({ name }) => name);
  return [
    { command, before: '-', wanted: names },
    { command, before: '', wanted: commands.length > 0 ? commands.map(({ name }) => name) : (operand ?? names) },
    ...options.flatMap(({ name, value }) => (value === undefined ? [] : { command, before: name, wanted: value })),
    ...commands.flatMap((one) => placesIn(one, command === '' ? one.name : `${command} ${one.name}`)),
  ];
}

/** Commands that have commands of their own. */
export function groupsOf({ commands }: CommandTree): string[] {
  return commands.filter((one) => one.commands.length > 0).map(({ name }) => name);
}
