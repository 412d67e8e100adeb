import { CommandError, EXIT } from './exit.js';

/**
 * A whole number of an option.
 *
 * @param what the noun of the refusal: `bytes`
 * @throws CommandError (bad input)
 */
export function readNumber(option: string, text: string, least: number, most: number, what = 'a number'): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new CommandError(`${option} ${text}: expected ${what} from ${least} to ${most}`, EXIT.badInput);
}
