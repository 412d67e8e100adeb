import { Option } from 'commander';
import { CommandError, EXIT } from './exit.js';
import type { Command } from 'commander';

/** Values of both names of the option. */
export interface AddressFlags {
  address?: string;
  /** Another name of --address. */
  host?: string;
}

/** `--address`, and `--host` as in tcpdump, for every command that selects by address. */
export function withAddressOption(command: Command, description: string): Command {
  return command
    .option('--address <address>', description)
    .addOption(new Option('--host <address>', 'same as --address').hideHelp());
}

/** The given address, and the option that was used. */
export function addressGiven({ address, host }: AddressFlags): { option: string; text: string } | undefined {
  if (address !== undefined) return { option: '--address', text: address };
  return host === undefined ? undefined : { option: '--host', text: host };
}

/**
 * Reads an integer option.
 *
 * @param what noun for the error: `bytes`
 * @throws CommandError (bad input)
 */
export function readNumber(option: string, text: string, least: number, most: number, what = 'a number'): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new CommandError(`${option} ${text}: expected ${what} from ${least} to ${most}`, EXIT.badInput);
}
