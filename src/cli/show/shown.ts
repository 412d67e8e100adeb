/** The objects that can be shown, and the options of each. */
import { CommandError, EXIT } from '../exit.js';
import type { FlowOptions } from './flow.js';
import type { ShowOptions, View } from './view.js';

/** In the order of the help. */
export const SHOWN = [
  ...(['vrf', 'sid', 'route', 'nexthop', 'port', 'lease', 'fastpath', 'counters'] as const),
  ...(['gateway', 'policy', 'flow'] as const),
] as const;
export type ShownName = (typeof SHOWN)[number];

/** Options of a `show`. */
export type ShownOptions = ShowOptions & FlowOptions;

/** Options that only some objects have. */
const TAKEN_BY = {
  all: ['route', 'flow'],
  port: ['port', 'lease', 'route', 'counters'],
  address: ['port', 'route', 'counters', 'flow'],
  l4Port: ['flow'],
  proto: ['flow'],
  limit: ['flow'],
} as const satisfies Partial<Record<keyof ShownOptions, readonly ShownName[]>>;

/** Refuses options that would be ignored. @throws CommandError (bad input) */
export function refuseForeignOptions(what: ShownName, options: ShownOptions): void {
  for (const [name, taken] of Object.entries(TAKEN_BY) as [keyof typeof TAKEN_BY, readonly ShownName[]][]) {
    if (options[name] === undefined || taken.includes(what)) continue;
    const option = name === 'l4Port' ? 'l4-port' : name;
    const hint = what === 'flow' && name === 'port' ? ' (--l4-port: a TCP or UDP port)' : '';
    throw new CommandError(
      `--${option}: not for show ${what}: expected with show ${taken.join(', ')}${hint}`,
      EXIT.badInput,
    );
  }
}

/** @throws CommandError (bad input) */
export async function viewOf(what: ShownName, options: FlowOptions): Promise<View> {
  switch (what) {
    case 'vrf':
      return (await import('./vrf.js')).showVrf;
    case 'sid':
      return (await import('./sid.js')).showSid;
    case 'route':
      return (await import('./route.js')).showRoute;
    case 'nexthop':
      return (await import('./nexthop.js')).showNexthop;
    case 'port':
      return (await import('./port.js')).showPort;
    case 'lease':
      return (await import('./lease.js')).showLease;
    case 'fastpath':
      return (await import('./fastpath.js')).showFastpath;
    case 'counters':
      return (await import('./counters.js')).showCounters;
    case 'gateway':
      return (await import('./gateway.js')).showGateway;
    case 'policy':
      return (await import('./policy.js')).showPolicy;
    case 'flow':
      return (await import('./flow.js')).flowView(options);
  }
}
