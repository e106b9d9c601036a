import { type CommandTree, groupsOf, placesOf, type Wanted } from './tree.ts';

/**
 * What bash and zsh have in common: `_rzero_wants COMMAND BEFORE` prints what may stand there, names or one of `@run`,
 * `@folder`, `@file`, and `_rzero_runs` the run folders below runs/.
 */
function common(program: CommandTree): string {
  const cases = placesOf(program).map(({ command, before, wanted }) => {
    return `    ${quoted(`${command}|${before}`)}) echo ${quoted(words(wanted))} ;;`;
  });
  return `_rzero_wants() {
  case "$1|$2" in
${cases.join('\n')}
  esac
}
_rzero_runs() {
  local name
  for name in runs/*/journal runs/*/*/journal; do
    [ -d "$name" ] && echo "\${name%/journal}"
  done 2>/dev/null
}`;
}

/** Completion for bash 3.2 and newer: a script to be sourced. */
export function bashScript(program: CommandTree): string {
  return `# Completion of ${program.name} for bash: source <(${program.name} completion bash)
${common(program)}
_rzero_add() { # those of the lines that begin so
  local line
  while IFS= read -r line; do
    case "$line" in "$1"*) COMPREPLY+=("$line") ;; esac
  done
}
_rzero() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} first=2 wanted=''
  COMPREPLY=()
  # bash takes --option=value for three words.
  if [ "$current" = '=' ]; then current=''
  elif [ "$before" = '=' ]; then before=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case ${quoted(` ${groupsOf(program).join(' ')} `)} in
    *" $command "*) if [ "$COMP_CWORD" -gt 2 ]; then command="$command \${COMP_WORDS[2]}"; first=3; fi ;;
  esac
  if [ "$COMP_CWORD" -lt 2 ]; then command=''; first=1; fi
  case "$before" in
    -*) if [ "$COMP_CWORD" -gt "$first" ]; then wanted=$(_rzero_wants "$command" "$before"); fi ;;
  esac
  if [ -z "$wanted" ]; then
    case "$current" in
      -*) wanted=$(_rzero_wants "$command" -) ;;
      *) wanted=$(_rzero_wants "$command" '') ;;
    esac
  fi
  case "$wanted" in
    @anything) ;;
    @file) compopt -o filenames 2>/dev/null; _rzero_add "$current" < <(compgen -f -- "$current") ;;
    @folder) compopt -o filenames 2>/dev/null; _rzero_add "$current" < <(compgen -d -- "$current") ;;
    @run)
      _rzero_add "$current" < <(_rzero_runs)
      if [ "\${#COMPREPLY[@]}" -eq 0 ]; then
        compopt -o filenames 2>/dev/null
        _rzero_add "$current" < <(compgen -d -- "$current")
      fi ;;
    *) _rzero_add "$current" < <(printf '%s\\n' $wanted) ;;
  esac
}
complete -F _rzero ${program.name}
`;
}

/** Completion for zsh: a script to be sourced. */
export function zshScript(program: CommandTree): string {
  return `# Completion of ${program.name} for zsh: source <(${program.name} completion zsh)
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
${common(program)}
_rzero() {
  setopt localoptions nullglob
  local current=\${words[CURRENT]} before=\${words[CURRENT-1]} command=\${words[2]} first=3 wanted=''
  local -a groups=(${groupsOf(program).join(' ')})
  if [[ $current == --*=* ]]; then
    before=\${current%%=*}
    compset -P '*='
  fi
  if (( CURRENT > 3 && $groups[(Ie)$command] )); then command="$command \${words[3]}"; first=4; fi
  if (( CURRENT < 3 )); then command=''; first=2; fi
  if [[ $before == -* ]] && (( CURRENT >= first )); then wanted=$(_rzero_wants "$command" "$before"); fi
  if [[ -z $wanted && $current == -* ]]; then wanted=$(_rzero_wants "$command" -)
  elif [[ -z $wanted ]]; then wanted=$(_rzero_wants "$command" '')
  fi
  case "$wanted" in
    @anything) ;;
    @file) _files ;;
    @folder) _files -/ ;;
    @run) compadd -- \${(f)"$(_rzero_runs)"} || _files -/ ;;
    *) compadd -- \${=wanted} ;;
  esac
}
compdef _rzero ${program.name}
`;
}

function words(wanted: Wanted): string {
  return typeof wanted === 'string' ? `@${wanted}` : wanted.join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
