/** Where the traced packet starts: which interface, which VRF, from which address. */
import { familyOf } from 'netlink-ts/inet';
import { QuestionError } from './types.js';
import { vrfName } from '../../plan/numbers.js';
import { pinnedNeighbours } from '../inspect/state.js';
import type { ShowContext } from '../inspect/context.js';
import type { OwnVrf } from '../../vrf/ours.js';
import type { Link } from 'netlink-ts';
import type { Intent } from '../../intent/types.js';
import type { TraceLog } from './trace-log.js';
import type { Question } from './types.js';

export interface Source {
  /** Name in the intent, else the interface's. */
  port: string;
  interface: string;
  tenant: string;
  from: string;
  /** Whether `from` was given, rather than taken from the port. */
  fromGiven: boolean;
}

/** The port in the kernel. */
export interface AttachedSource extends Source {
  link: Link;
  vrf: OwnVrf;
}

/**
 * Finds a port by its name or its interface's, in the intent and in the kernel.
 *
 * @param intent whole; undefined: only the kernel
 * @throws QuestionError if there is no such port, or it has no address of the destination's family
 */
export function findSource(
  context: ShowContext,
  intent: Intent | undefined,
  { port: asked, to, from }: Question,
): Source {
  const { kernel, config, names } = context;
  const local = intent?.ports.filter(({ node }) => node === config.node) ?? [];
  const planned = local.find(({ name }) => name === asked) ?? local.find((candidate) => candidate.interface === asked);
  const device = planned?.interface ?? asked;
  const link = kernel.links.get(device);
  const vrf = names.vrfOfIndex(link?.master);
  if (planned === undefined && vrf === undefined) {
    const elsewhere = intent?.ports.find(({ name }) => name === asked);
    throw new QuestionError(
      elsewhere === undefined
        ? `--port ${asked}: expected a port of ${config.node}, or an interface in a VRF of segue's`
        : `--port ${asked}: it is on ${elsewhere.node}; expected a port of ${config.node}: trace there`,
    );
  }
  const family = familyOf(to);
  const pinned = link === undefined ? [] : (pinnedNeighbours(kernel).get(link.index) ?? []);
  const addresses = planned?.addresses ?? pinned.map(({ address }) => address);
  const source = from ?? addresses.find((address) => familyOf(address) === family);
  if (source === undefined) {
    throw new QuestionError(`--port ${asked}: it has no IPv${family} address; expected --from with one`);
  }
  return {
    port: planned?.name ?? device,
    interface: device,
    tenant: planned?.tenant ?? vrf?.tenant ?? '',
    from: source,
    fromGiven: from !== undefined,
  };
}

/** First step: the interface exists, is up, and is in its VRF. */
export function checkPort(
  context: ShowContext,
  intent: Intent | undefined,
  source: Source,
  traceLog: TraceLog,
): AttachedSource {
  const { kernel, names } = context;
  const link = kernel.links.get(source.interface);
  if (link === undefined) {
    traceLog.drop('port', 'port-waiting', `no dev ${source.interface}`, 'the port waits for its interface');
  }
  const vrf = names.vrfOfIndex(link.master);
  const tenant = intent?.tenants.find(({ name }) => name === source.tenant);
  const expected = tenant === undefined ? undefined : vrfName(tenant.id);
  if (vrf === undefined || (expected !== undefined && vrf.name !== expected)) {
    const master = kernel.links.masterOf(link) ?? 'none';
    traceLog.drop(
      'port',
      'port-detached',
      `dev ${link.name} master ${master}, expected ${expected ?? 'a VRF of segue'}`,
      `${link.name} is not in its VRF: the guard drops what comes from it`,
      { device: link.name, master },
    );
  }
  const detail = { device: link.name, vrf: vrf.name, table: vrf.table, mtu: link.mtu };
  const text = `dev ${link.name} master ${vrf.name} table ${vrf.table} mtu ${link.mtu}`;
  if (!link.up || !vrf.up)
    traceLog.drop('port', 'port-down', text, `${link.up ? vrf.name : link.name} is down`, detail);
  if (link.carrier === false) traceLog.drop('port', 'port-down', text, `${link.name} has no carrier`, detail);
  traceLog.pass('port', text, detail);
  return { ...source, link, vrf };
}
