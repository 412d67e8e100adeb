import { column, renderTable } from '../table.js';
import { membersOf } from '../../inspect/state.js';
import { linkState } from './port.js';
import type { ShowContext } from '../../inspect/context.js';
import type { Shown } from './view.js';

/** An interface that programs of the fast path would sit at. */
export interface FastpathDevice {
  device: string;
  role: 'uplink' | 'port';
  state: 'up' | 'down' | 'no-carrier' | 'missing';
  /** Id of an XDP program that somebody attached: none is segue's. */
  foreignXdp: number | null;
}

/** `segue show fastpath -j` */
export interface Fastpath {
  /** `dataplane` of the node file. */
  configured: string;
  /** What forwards: `kernel` is VRF, seg6 and seg6local. */
  running: 'kernel';
  /** eBPF programs of segue's; this build has none. */
  programs: string[];
  devices: FastpathDevice[];
}

export const FASTPATH_COLUMNS = [
  column<FastpathDevice>('DEV', ({ device }) => device),
  column<FastpathDevice>('ROLE', ({ role }) => role),
  column<FastpathDevice>('STATE', ({ state }) => state.toUpperCase()),
  column<FastpathDevice>('FOREIGN-XDP', ({ foreignXdp }) => (foreignXdp === null ? undefined : `id ${foreignXdp}`)),
];

export function fastpathOf({ kernel, config, names }: ShowContext): Fastpath {
  const device = (name: string, role: 'uplink' | 'port'): FastpathDevice => {
    const link = kernel.links.get(name);
    return {
      device: name,
      role,
      state: link === undefined ? 'missing' : linkState(link),
      foreignXdp: link?.xdp?.programId ?? null,
    };
  };
  return {
    configured: config.dataplane,
    running: 'kernel',
    programs: [],
    devices: [
      ...config.uplinks.map((name) => device(name, 'uplink')),
      ...names.vrfs.flatMap(({ index }) => membersOf(kernel, index).map(({ name }) => device(name, 'port'))),
    ],
  };
}

export function showFastpath(context: ShowContext): Shown {
  const fastpath = fastpathOf(context);
  return { json: fastpath, lines: fastpathLines(fastpath) };
}

export function fastpathLines({ configured, devices }: Fastpath): string[] {
  const lines = ['data plane: kernel (VRF, seg6, seg6local); no eBPF programs, this build has none'];
  if (configured !== 'kernel')
    lines.push(`the node file asks for "dataplane: ${configured}": the kernel does all of it`);
  return [...lines, ...renderTable(FASTPATH_COLUMNS, devices)];
}
