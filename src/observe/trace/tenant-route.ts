/** The tenant's routing decision, as the kernel makes it. */
import { familyOf, prefixContains } from 'netlink-ts/inet';
import { longestPrefix } from './longest-prefix.js';
import { routesOf } from '../inspect/state.js';
import {
  decodeNexthop,
  decodeRoute,
  getNexthopRequest,
  isNetlinkError,
  lookupRoute,
  type Route,
  type Seg6Encap,
} from 'netlink-ts';
import type { ShowContext } from '../inspect/context.js';
import type { Intent, Port } from '../../intent/types.js';
import type { AttachedSource } from './source.js';
import type { TraceLog } from './trace-log.js';

export type Decision =
  /** an address of this hypervisor: a gateway */
  | { kind: 'gateway' }
  | { kind: 'local'; device: string; via: string | undefined }
  | { kind: 'encap'; encap: Seg6Encap };

/** Third step: RTM_GETROUTE for a packet that arrives on the port. */
export function tenantRoute(context: ShowContext, source: AttachedSource, to: string, traceLog: TraceLog): Decision {
  const { kernel, names } = context;
  const { vrf, link, from } = source;
  const ask = (fibMatch: boolean): Route | undefined =>
    kernel.socket.get(lookupRoute({ to, from, iif: link.index, fibMatch }), decodeRoute);
  let route: Route | undefined;
  try {
    route = ask(false);
  } catch (error) {
    if (!isNetlinkError(error)) throw error;
    explainRefusal(context, source, to, error.errnoName, traceLog);
  }
  if (route === undefined) traceLog.drop('route', 'no-route', to, 'the kernel has no answer');
  if (route.type === 'local') {
    traceLog.pass('route', `local ${to} table ${vrf.table}: an address of this hypervisor in ${source.tenant}`, {
      type: 'local',
      table: vrf.table,
    });
    return { kind: 'gateway' };
  }
  // If the kernel does not report the route (IPv6 lacks fibmatch with iif before 6.x), it is found in the table.
  const match = tryMatch(ask) ?? longestPrefix(routesOf(kernel, vrf.table, true), to);
  const nexthopId = match?.nexthopId;
  const nexthop = nexthopId === undefined ? undefined : kernel.socket.get(getNexthopRequest(nexthopId), decodeNexthop);
  const encap = route.encap ?? match?.encap ?? nexthop?.encap;
  const device = kernel.links.nameOf(route.oif ?? match?.oif ?? 0);
  const via = route.gateway !== undefined && route.gateway !== to ? route.gateway : undefined;
  const prefix = match?.prefix ?? to;
  const words = [prefix, ...(via === undefined ? [] : ['via', via]), 'dev', device, 'table', String(vrf.table)];
  if (nexthopId !== undefined) words.push('nhid', String(nexthopId));
  const detail = { prefix, device, via: via ?? null, table: vrf.table, nexthopId: nexthopId ?? null };
  if (encap?.type === 'seg6') {
    traceLog.pass('route', words.join(' '), detail);
    return { kind: 'encap', encap };
  }
  const oif = kernel.links.get(device);
  if (encap === undefined && names.vrfOfIndex(oif?.master)?.name === vrf.name) {
    traceLog.pass('route', words.join(' '), detail);
    return { kind: 'local', device, via };
  }
  traceLog.drop('route', 'foreign-route', words.join(' '), `neither a port of ${source.tenant} nor a SID`, detail);
}

function tryMatch(ask: (fibMatch: boolean) => Route | undefined): Route | undefined {
  try {
    return ask(true);
  } catch (error) {
    if (isNetlinkError(error)) return undefined;
    throw error;
  }
}

/** The kernel reports only an errno: finds the responsible route in the table, and the intended one in the intent. */
function explainRefusal(
  context: ShowContext,
  { vrf, tenant }: AttachedSource,
  to: string,
  errno: string,
  traceLog: TraceLog,
): never {
  const route = longestPrefix(routesOf(context.kernel, vrf.table, true), to);
  const detail = { errno, prefix: route?.prefix ?? null, type: route?.type ?? null, table: vrf.table };
  const words =
    route === undefined
      ? `${to} table ${vrf.table}: ${errno}`
      : `${route.type} ${route.prefix} table ${vrf.table} metric ${route.metric}`;
  if (route?.type === 'unicast' || route?.type === 'local') {
    const family = familyOf(to);
    const why = `the kernel does not forward it: is IPv${family} forwarding on for the port and its VRF, is the source a martian?`;
    traceLog.drop('route', 'not-forwarded', `${words}: ${errno}`, why, detail);
  }
  const member = memberWith(context.intent, tenant, to);
  if (member !== undefined) explainMember(context, member, words, detail, traceLog);
  if (route === undefined) {
    traceLog.drop('route', 'no-route', words, `the table has no route to ${to}, and its seal is missing`, detail);
  }
  if (route.prefix === '0.0.0.0/0' || route.prefix === '::/0') {
    traceLog.drop('route', 'no-route', words, `no subnet of ${tenant} contains ${to}, and there is no gateway`, detail);
  }
  traceLog.drop('route', 'no-member', words, `no member of ${tenant} has ${to}`, detail);
}

function memberWith(intent: Intent | undefined, tenant: string, to: string): Port | undefined {
  return intent?.ports.find(
    (port) =>
      port.tenant === tenant &&
      (port.addresses.includes(to) || port.prefixes.some((prefix) => prefixContains(prefix, to))),
  );
}

/** Explains a missing route to a member: the kernel removes routes of an interface that goes down without a notification. */
function explainMember(
  { kernel, config }: ShowContext,
  { name, node, interface: device }: Port,
  words: string,
  detail: Record<string, unknown>,
  traceLog: TraceLog,
): never {
  const link = kernel.links.get(device);
  if (node === config.node && link?.up !== true) {
    const what = link === undefined ? `there is no interface ${device} yet` : `its interface ${device} is down`;
    traceLog.drop('route', 'destination-down', words, `${name} has the address, but ${what}`, detail);
  }
  const why = `the intent gives the address to ${name} on ${node}, but the kernel has no route there: see segue diff`;
  traceLog.drop('route', 'not-as-intended', words, why, detail);
}
