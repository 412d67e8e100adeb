import { portInterface, readPrefix } from '../names.js';
import { renderTable } from '../table.js';
import type { Column } from '../table.js';
import type { Prefix } from 'netlink-ts/inet';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Output } from './output.js';

export interface ShowOptions {
  /** Only this tenant. */
  tenant?: string;
  /** Only this port: its name or its interface. */
  port?: string;
  /** Only objects with this address, or an address in this prefix. */
  address?: string;
  /** Includes the kernel's own routes, and expired flows. */
  all?: boolean;
  json?: boolean;
}

/** The answer of a `show`, for `-j` and for a terminal. */
export interface Shown {
  json: unknown;
  lines: string[];
  /** Message for a terminal: why there are no lines. */
  note?: string;
}

/** @returns undefined if it has printed the answer itself, because that may be too long for memory */
export type View = (context: ShowContext, options: ShowOptions, output: Output) => Shown | Promise<Shown | undefined>;

/** The device of the selected port. @throws CommandError (bad input) */
export function deviceAskedFor(context: ShowContext, { port }: ShowOptions): string | undefined {
  return port === undefined ? undefined : portInterface(context, port);
}

/** The selected address or prefix. @throws CommandError (bad input) */
export function prefixAskedFor({ address }: ShowOptions): Prefix | undefined {
  return address === undefined ? undefined : readPrefix('--address', address);
}

/** Records as an array and as a table. */
export function tableOf<R>(records: readonly R[], columns: readonly Column<R>[]): Shown {
  return { json: records, lines: renderTable(columns, records) };
}
