/**
 * Completion scripts for shells, generated from the definitions of the commands. They do not run segue, so they are fast and need no privileges.
 */
import { allCommands } from './commands.js';
import type { CommandShape, OptionShape } from './commands.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A position on a command line, with its completions. */
interface Place {
  /** The preceding words without options: `segue show route`. */
  at: string;
  /** Commands, or values of the operand, with a description each. */
  words: readonly { word: string; description: string }[];
  options: readonly OptionShape[];
}

/** @param shape of the whole program */
export function completionScript(shell: Shell, shape: CommandShape): string {
  const places = allCommands(shape).flatMap(placesOf);
  return { bash, zsh, fish }[shell](places);
}

function placesOf({ path, commands, choices, options }: CommandShape): Place[] {
  const at = path.join(' ');
  const words = [
    ...commands.map((one) => ({ word: one.path.at(-1) ?? '', description: one.description })),
    ...choices.map((word) => ({ word, description: '' })),
  ];
  // After the operand only options follow.
  return [{ at, words, options }, ...choices.map((word) => ({ at: `${at} ${word}`, words: [], options }))];
}

const NAMES = 'ls /sys/class/net';
const HEAD = 'made by `segue completion`';
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const optionWords = ({ short, long }: OptionShape): string[] => (short === undefined ? [long] : [short, long]);

/** Patterns of `case`: `at option`, for options with a kind of value. */
function casesOf(places: readonly Place[], which: (option: OptionShape) => boolean): string {
  return places
    .flatMap(({ at, options }) =>
      options.filter(which).flatMap((one) => optionWords(one).map((word) => `${at} ${word}`)),
    )
    .map(quoted)
    .join('|');
}

const takes =
  (kind: string) =>
  ({ value }: OptionShape): boolean =>
    value?.kind === kind && value.choices.length === 0;

/** Options whose value has a fixed set, by position. */
function choiceCases(places: readonly Place[], line: (pattern: string, choices: readonly string[]) => string): string {
  return places
    .flatMap(({ at, options }) =>
      options.flatMap((option) => {
        const choices = option.value?.choices ?? [];
        if (choices.length === 0) return [];
        return [
          line(
            optionWords(option)
              .map((word) => quoted(`${at} ${word}`))
              .join('|'),
            choices,
          ),
        ];
      }),
    )
    .join('\n');
}

function steps(places: readonly Place[]): string {
  const deeper = places.flatMap(({ at, words }) => words.map(({ word }) => `${at} ${word}`));
  return deeper.map(quoted).join('|');
}

function bash(places: readonly Place[]): string {
  const words = places.map(({ at, words, options }) => {
    const plain = words.map(({ word }) => word).join(' ');
    return `    ${quoted(at)}) words=${quoted(plain)} options=${quoted(options.flatMap(optionWords).join(' '))} ;;`;
  });
  return `# bash completion for segue, ${HEAD} bash
_segue() {
  local current=\${COMP_WORDS[COMP_CWORD]} at=segue words= options= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
    ${steps(places)}) at+=" \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${choiceCases(places, (pattern, choices) => `    ${pattern}) COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current")); return ;;`)}
    ${casesOf(places, takes('file'))}) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${casesOf(places, takes('interface'))}) COMPREPLY=($(compgen -W "$(${NAMES})" -- "$current")); return ;;
    ${casesOf(places, takes('any'))}) return ;;
  esac
  case $at in
${words.join('\n')}
  esac
  [[ $current == -* ]] && words=$options
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _segue segue
`;
}

/** A word and its description, in the format of _describe. */
const described = (word: string, description: string): string =>
  quoted(`${word.replaceAll(':', '\\:')}${description === '' ? '' : `:${description.replaceAll(':', '\\:')}`}`);

function zsh(places: readonly Place[]): string {
  const cases = places.map(({ at, words, options }) => {
    const plain = words.map(({ word, description }) => described(word, description)).join(' ');
    const dashed = options.flatMap((one) => optionWords(one).map((word) => described(word, one.description))).join(' ');
    return `    ${quoted(at)}) plain=(${plain}) dashed=(${dashed}) ;;`;
  });
  return `#compdef segue
# zsh completion for segue, ${HEAD} zsh
_segue() {
  local at=segue i
  local -a plain dashed
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
    ${steps(places)}) at+=" \${words[i]}" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${choiceCases(places, (pattern, choices) => `    ${pattern}) compadd -- ${choices.map(quoted).join(' ')}; return ;;`)}
    ${casesOf(places, takes('file'))}) _files; return ;;
    ${casesOf(places, takes('interface'))}) compadd -- $(${NAMES}); return ;;
    ${casesOf(places, takes('any'))}) return ;;
  esac
  case $at in
${cases.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option dashed
  else
    _describe command plain
  fi
}
if [[ \${funcstack[1]} == _segue ]]; then _segue "$@"; else compdef _segue segue; fi
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ at, words, options }) => {
    const here = `complete -c segue -n ${quoted(`__segue_at ${at}`)}`;
    const text = (description: string): string => (description === '' ? '' : ` -d ${quoted(description)}`);
    return [
      ...words.map(({ word, description }) => `${here} -a ${quoted(word)}${text(description)}`),
      ...options.map(({ short, long, description, value }) => {
        const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long.slice(2)}`;
        const values = value?.choices.length
          ? value.choices.join(' ')
          : value?.kind === 'interface'
            ? `(${NAMES})`
            : '';
        const how = value === undefined ? '' : value.kind === 'file' ? ' -r -F' : ' -x';
        return `${here}${names}${how}${values === '' ? '' : ` -a ${quoted(values)}`}${text(description)}`;
      }),
    ];
  });
  return `# fish completion for segue, ${HEAD} fish
function __segue_at
    set -l at segue
    for word in (commandline -opc)[2..]
        switch "$at $word"
            case ${steps(places).replaceAll('|', ' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv"
end
complete -c segue -f
${lines.join('\n')}
`;
}
