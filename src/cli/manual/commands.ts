/** The commands as plain data from their definitions, for completion scripts and manual pages. */
import type { Command, Option } from 'commander';

/** Kind of a value that a shell can complete. */
export type ValueKind = 'file' | 'interface' | 'any';

export interface OptionShape {
  /** `-t` */
  short?: string;
  /** `--tenant` */
  long: string;
  description: string;
  /** Absent: the option takes no value. */
  value?: { name: string; kind: ValueKind; choices: readonly string[] };
  defaultText?: string;
}

export interface CommandShape {
  /** `['segue', 'lab', 'run']` */
  path: readonly string[];
  description: string;
  /** As in the help: `<what>`, `[node]`. */
  operands: readonly string[];
  /** Values of the first operand; empty: any. */
  choices: readonly string[];
  options: readonly OptionShape[];
  commands: readonly CommandShape[];
}

/** Hidden commands and options are omitted. */
export function shapeOf(command: Command, before: readonly string[] = []): CommandShape {
  const path = [...before, command.name()];
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    operands: help
      .visibleArguments(command)
      .map((argument) => help.argumentTerm(argument))
      .map(wrapped(command)),
    choices: command.registeredArguments[0]?.argChoices ?? [],
    options: help.visibleOptions(command).flatMap(optionShape),
    commands: help
      .visibleCommands(command)
      .filter((one) => one.name() !== 'help')
      .map((one) => shapeOf(one, path)),
  };
}

/** All commands, outer ones first. */
export function allCommands(shape: CommandShape): CommandShape[] {
  return [shape, ...shape.commands.flatMap(allCommands)];
}

function wrapped({ registeredArguments }: Command) {
  return (name: string, index: number): string => {
    const argument = registeredArguments[index];
    const text = argument?.variadic === true ? `${name}…` : name;
    return argument?.required === true ? `<${text}>` : `[${text}]`;
  };
}

function optionShape(option: Option): OptionShape[] {
  const { short, long, description, flags } = option;
  if (long === undefined) return [];
  const name = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
  const defaultText = option.defaultValueDescription ?? (option.defaultValue as unknown);
  return [
    {
      ...(short !== undefined && { short }),
      long,
      description,
      ...(name !== undefined && { value: { name, kind: kindOf(name, long), choices: option.argChoices ?? [] } }),
      ...((typeof defaultText === 'string' || typeof defaultText === 'number') && { defaultText: String(defaultText) }),
    },
  ];
}

function kindOf(name: string, long: string): ValueKind {
  if (/file|directory|\.yaml$/.test(name)) return 'file';
  // The interface's name may be given for a port.
  return name === 'device' || long === '--port' ? 'interface' : 'any';
}
