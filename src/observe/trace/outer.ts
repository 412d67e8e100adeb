/** Traces from encapsulation to the wire: sizes, the outer route lookup, the underlay's next hop. */
import {
  decodeNeighbour,
  decodeRoute,
  getNeighbourRequest,
  getTunnelSource,
  isNetlinkError,
  lookupRoute,
  type Neighbour,
  NeighbourState,
  type Route,
  type Seg6Encap,
} from 'netlink-ts';
import { sizesOf } from './sizes.js';
import type { ShowContext } from '../inspect/context.js';
import type { AttachedSource } from './source.js';
import type { TraceLog } from './trace-log.js';

/** iproute2's names of NUD_*. */
const STATES = Object.entries(NeighbourState).filter(([, bit]) => bit !== 0);

/** Traces the outer packet off this node; returns its final SID. */
export function traceOuter(
  context: ShowContext,
  source: AttachedSource,
  encap: Seg6Encap,
  size: number,
  traceLog: TraceLog,
): string {
  const { kernel, names } = context;
  const { mode, segments } = encap;
  const [first = ''] = segments;
  const last = segments.at(-1) ?? '';
  const outerSource = getTunnelSource(kernel.generic);
  const { overhead, outer } = sizesOf(size, mode, segments.length);
  const node = names.nodeOfSid(last);
  const towards = node === undefined ? '' : ` (${node})`;
  const detail = { mode, segments, source: outerSource, inner: size, overhead, outer, node: node ?? null };
  const text = `seg6 mode ${mode} segs ${segments.join(',')}${towards} source ${outerSource}: ${size} + ${overhead} = ${outer} bytes`;
  if (outerSource === '::') traceLog.warn('encap', `${text}; no tunsrc: the kernel picks a source by itself`, detail);
  else traceLog.pass('encap', text, detail);

  const route = outerRoute(context, source, first, outerSource, traceLog);
  const uplink = kernel.links.nameOf(route.oif ?? 0);
  const mtu = route.metrics?.mtu ?? kernel.links.get(uplink)?.mtu ?? 0;
  checkMtu(source, { size, overhead, outer, mtu, uplink }, traceLog);
  checkNeighbour(context, route, uplink, first, traceLog);
  return last;
}

/** Looks up as for a packet that the tenant's VRF forwards, with the rules 990 and 991. */
function outerRoute(
  { kernel, config }: ShowContext,
  { vrf }: AttachedSource,
  first: string,
  outerSource: string,
  traceLog: TraceLog,
): Route & { oif: number } {
  let route: Route | undefined;
  try {
    const from = outerSource === '::' ? {} : { from: outerSource };
    route = kernel.socket.get(lookupRoute({ to: first, ...from, iif: vrf.index }), decodeRoute);
  } catch (error) {
    if (!isNetlinkError(error)) throw error;
    const text = `${first} from ${outerSource}: ${error.errnoName}`;
    const why = 'the underlay has no route to the first segment; expected rule 990 and a route in main';
    const detail = { to: first, source: outerSource, errno: error.errnoName };
    traceLog.drop('outer', 'outer-unreachable', text, why, detail);
  }
  const oif = route?.oif;
  const device = kernel.links.nameOf(oif ?? 0);
  const detail = { to: first, device, via: route?.gateway ?? null, table: route?.table ?? null };
  const via = route?.gateway === undefined ? '' : ` via ${route.gateway}`;
  if (route === undefined || oif === undefined || route.type === 'local' || device === 'lo') {
    traceLog.drop(
      'outer',
      'outer-unreachable',
      `${first}${via} dev ${device}`,
      'the first segment leads back here',
      detail,
    );
  }
  const text = `${first}${via} dev ${device} table ${route.table}`;
  if (config.uplinks.includes(device)) traceLog.pass('outer', text, detail);
  else traceLog.warn('outer', `${text}: not an uplink of the node file (${config.uplinks.join(' ')})`, detail);
  return { ...route, oif };
}

function checkMtu(
  { link }: AttachedSource,
  {
    size,
    overhead,
    outer,
    mtu,
    uplink,
  }: { size: number; overhead: number; outer: number; mtu: number; uplink: string },
  traceLog: TraceLog,
): void {
  const detail = { size, outer, uplinkMtu: mtu, tenantMtu: link.mtu, largest: mtu - overhead };
  if (outer > mtu) {
    traceLog.drop(
      'mtu',
      'black-hole',
      `${outer} > ${mtu} of ${uplink}, largest inner packet ${mtu - overhead}`,
      `a black hole: the kernel sends Packet Too Big to the outer source, that is to itself, and the VM never learns of it ` +
        `(TCP is clamped at the port); the largest inner packet is ${mtu - overhead} bytes`,
      detail,
    );
  }
  const text = `${outer} <= ${mtu} of ${uplink}, tenant MTU ${link.mtu}`;
  if (size > link.mtu)
    traceLog.warn('mtu', `${text}: larger than the tenant's MTU, another path may not take it`, detail);
  else traceLog.pass('mtu', text, detail);
}

function checkNeighbour(
  { kernel }: ShowContext,
  { oif, gateway }: Route & { oif: number },
  uplink: string,
  first: string,
  traceLog: TraceLog,
): void {
  const address = gateway ?? first;
  const neighbour = neighbourOf({ kernel }, oif, address);
  const state = neighbour === undefined ? 'none' : stateName(neighbour.state);
  const detail = { address, device: uplink, mac: neighbour?.mac ?? null, state };
  const text = `${address} dev ${uplink}${neighbour?.mac === undefined ? '' : ` lladdr ${neighbour.mac}`} ${state.toUpperCase()}`;
  if (state === 'failed')
    traceLog.drop('neighbour', 'underlay-neighbour', text, `${address} does not answer on ${uplink}`, detail);
  else if (state === 'none')
    traceLog.pass('neighbour', `${text}: the kernel resolves it with the first packet`, detail);
  else traceLog.pass('neighbour', text, detail);
}

function neighbourOf({ kernel }: Pick<ShowContext, 'kernel'>, ifindex: number, address: string): Neighbour | undefined {
  try {
    return kernel.socket.get(getNeighbourRequest({ ifindex, address }), decodeNeighbour);
  } catch (error) {
    if (isNetlinkError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export function stateName(state: number): string {
  return STATES.find(([, bit]) => (state & bit) !== 0)?.[0] ?? 'none';
}
