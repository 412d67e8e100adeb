/** Manual pages, man(7), of the program and of each command, generated from the definitions of the commands. */
import { allCommands } from './commands.js';
import type { CommandShape, OptionShape } from './commands.js';

/** Section 8: administration commands. */
const SECTION = 8;

const EXIT_STATUS = [
  ['0', 'Done.'],
  ['1', 'The command failed, or found a fault.'],
  ['2', 'The command line, the node file or the intent is invalid. Nothing was changed.'],
  ['3', 'diff: there are changes.'],
] as const;

const FILES = [
  ['/etc/segue/node.yaml', 'The node file.'],
  ['/run/segue/<node>/', 'State of a node until the next boot.'],
  ['/var/lib/segue/<node>/edge.nft', 'The edge filter that the next boot loads.'],
  ['/sys/fs/bpf/segue/<node>/', 'Pinned eBPF programs and maps.'],
] as const;

/** @returns texts of pages by file name: `segue-show.8` */
export function manualPages(shape: CommandShape, version: string): Map<string, string> {
  const pages = new Map([[`${shape.path[0] ?? ''}.${SECTION}`, page(shape, version)]]);
  for (const command of shape.commands) pages.set(`${command.path.join('-')}.${SECTION}`, page(command, version));
  return pages;
}

function page(shape: CommandShape, version: string): string {
  const { path, description, commands, choices } = shape;
  const isProgram = path.length === 1;
  const inner = isProgram ? [shape] : allCommands(shape).filter((one) => one.commands.length === 0);
  return [
    `.TH ${path.join('-').toUpperCase()} ${SECTION} "" ${literal(`segue ${version}`)} "segue"`,
    '.SH NAME',
    `${roff(path.join('-'))} \\- ${roff(firstLower(description))}`,
    '.SH SYNOPSIS',
    ...(isProgram ? [`.B segue\n.I command\n[\\fIoptions\\fR]`] : inner.flatMap(synopsis)),
    ...(choices.length === 0 ? [] : ['.SH OPERANDS', roff(`${shape.operands[0] ?? ''}: ${choices.join(', ')}.`)]),
    ...(isProgram
      ? [
          '.SH COMMANDS',
          ...commands.flatMap((one) => entry(`\\fB${roff(one.path.join('-'))}\\fR(${SECTION})`, one.description)),
        ]
      : inner.length > 1
        ? [
            '.SH COMMANDS',
            ...inner.flatMap((one) => entry(`\\fB${roff(one.path.slice(1).join(' '))}\\fR`, one.description)),
          ]
        : []),
    '.SH OPTIONS',
    ...inner.flatMap((one) => [
      ...(inner.length > 1 ? [`.SS ${literal(one.path.slice(1).join(' '))}`] : []),
      ...one.options.flatMap(optionEntry),
    ]),
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([code, text]) => entry(code, text)),
    '.SH FILES',
    ...FILES.flatMap(([file, text]) => entry(`\\fI${roff(file)}\\fR`, text)),
    ...(isProgram ? [] : ['.SH SEE ALSO', `\\fBsegue\\fR(${SECTION})`]),
    '',
  ].join('\n');
}

function synopsis({ path, operands }: CommandShape): string[] {
  const rest = operands.map((operand) => `\\fI${roff(operand)}\\fR`).join(' ');
  return [`\\fB${roff(path.join(' '))}\\fR${rest === '' ? '' : ` ${rest}`} [\\fIoptions\\fR]`, '.br'];
}

function optionEntry({ short, long, description, value, defaultText }: OptionShape): string[] {
  const names = [short, long].filter((name) => name !== undefined).map((name) => `\\fB${roff(name)}\\fR`);
  const choices = value?.choices.length ? ` One of ${value.choices.join(', ')}.` : '';
  const standard = defaultText === undefined ? '' : ` Default: ${defaultText}.`;
  const tag = `${names.join(', ')}${value === undefined ? '' : ` \\fI${roff(value.name)}\\fR`}`;
  return entry(tag, `${firstUpper(description)}.${choices}${standard}`);
}

const entry = (tag: string, text: string): string[] => ['.TP', tag, roff(text)];
/** A description such as `port, route: only …` begins with words of the command line, which stay in lower case. */
const firstUpper = (text: string): string =>
  /^[a-z, ]+:/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
const firstLower = (text: string): string =>
  /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;

/** Escapes a text for roff: a dot or quote at the start of a line is a request, and a hyphen is not a minus. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}

/** An argument of a request. */
const literal = (text: string): string => `"${roff(text).replaceAll('"', '\\(dq')}"`;
