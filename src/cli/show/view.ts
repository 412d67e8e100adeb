import { portInterface, readPrefix } from '../names.js';
import { renderTable } from '../table.js';
import type { Column } from '../table.js';
import type { Prefix } from 'netlink-ts/inet';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Output } from './output.js';

export interface ShowOptions {
  /** Only this tenant's. */
  tenant?: string;
  /** Only this port's: its name or its interface. */
  port?: string;
  /** Only what has this address, or one of this prefix. */
  address?: string;
  /** The kernel's own routes too; flows that are none any more. */
  all?: boolean;
  json?: boolean;
}

/** What a `show` answers: for `-j`, and for a terminal. */
export interface Shown {
  json: unknown;
  lines: string[];
}

/** @returns undefined where it has written by itself what is too much to be held */
export type View = (context: ShowContext, options: ShowOptions, output: Output) => Shown | Promise<Shown | undefined>;

/** The device of the port asked for. @throws CommandError (bad input) */
export function deviceAskedFor(context: ShowContext, { port }: ShowOptions): string | undefined {
  return port === undefined ? undefined : portInterface(context, port);
}

/** The address or prefix asked for. @throws CommandError (bad input) */
export function prefixAskedFor({ address }: ShowOptions): Prefix | undefined {
  return address === undefined ? undefined : readPrefix('--address', address);
}

/** An array of records, and the same as a table. */
export function tableOf<R>(records: readonly R[], columns: readonly Column<R>[]): Shown {
  return { json: records, lines: renderTable(columns, records) };
}
