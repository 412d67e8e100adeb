/** The services' namespace, with the veth to the node and its routes, as one object. */
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import {
  createNetns,
  createRoute,
  decodeLink,
  decodeNeighbour,
  decodeRoute,
  deleteLink,
  deleteNetns,
  deleteRoute,
  dumpLinksRequest,
  dumpNeighboursRequest,
  dumpRoutesRequest,
  inNetns,
  type Link,
  NeighbourState,
  netnsIdentity,
  NetlinkSocket,
  newLink,
  openNetns,
  replaceNeighbour,
  type RouteSpec,
  setLink,
} from 'netlink-ts';
import { LOCAL_TABLE, MAIN_TABLE, PROTOCOL } from '../plan/numbers.js';
import { ON_DEVICE } from '../reconcile/follows.js';
import { DEVICE_MAC, halvesOf, PEER_MAC, SERVICE_DEVICE, SERVICE_MTU, SERVICE_PEER } from './address.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedObject, Resource } from '../reconcile/resource.js';
import type { ServiceLink } from './objects.js';

/** A device that is not segue's has the name of the services' veth. */
class NameTakenError extends Error {
  readonly code = 'SERVICE_NAME_TAKEN';

  constructor(kind: string | undefined) {
    super(`device ${SERVICE_DEVICE} exists and is not segue's (${kind ?? 'not a virtual device'}): expected none`);
    this.name = 'NameTakenError';
  }
}

const ALIAS = 'segue services';
/** Gateway of the routes at the other end; its neighbour entry has the MAC address of the node's end. */
const ROUTER = 'fe80::1';
/** The node's end has no IPv6: the host's stack does not use the link. */
const NO_IPV6 = `net/ipv6/conf/${SERVICE_DEVICE}/disable_ipv6`;
/** The other end neither configures addresses nor solicits routers. */
const INSIDE_SETTINGS: readonly (readonly [string, string])[] = [
  [`net/ipv6/conf/${SERVICE_PEER}/addr_gen_mode`, '1'],
  [`net/ipv6/conf/${SERVICE_PEER}/accept_ra`, '0'],
];

function isOurs(link: Link | undefined): boolean {
  return link?.kind === 'veth' && link.alias === ALIAS;
}

function routesOf(prefix: string, lo: number, peer: number): RouteSpec[] {
  const { services, ports } = halvesOf(prefix);
  return [
    { table: LOCAL_TABLE, type: 'local', prefix: services, oif: lo, protocol: PROTOCOL },
    { table: MAIN_TABLE, prefix: ports, gateway: ROUTER, oif: peer, protocol: PROTOCOL },
  ];
}

/** What is wrong with it, as texts; empty: nothing. */
function faultsOf(kernel: Kernel, { netns, prefix }: ServiceLink): string[] {
  const link = kernel.links.get(SERVICE_DEVICE);
  if (netnsIdentity(netns) === undefined) return ['no namespace'];
  if (link === undefined || !isOurs(link)) return ['no veth'];
  const faults: string[] = [];
  if (!link.up) faults.push('down');
  if (link.mtu !== SERVICE_MTU) faults.push(`mtu ${link.mtu}`);
  if (link.mac !== DEVICE_MAC) faults.push(`lladdr ${link.mac}`);
  if (link.master !== undefined) faults.push(`master ${kernel.links.nameOf(link.master)}`);
  if (kernel.sysctls.read(NO_IPV6) !== '1') faults.push('ipv6 enabled');
  using socket = NetlinkSocket.open({ protocol: 'route', netns });
  const inside = new Map(socket.dump(dumpLinksRequest(), decodeLink).map((one) => [one.name, one]));
  const peer = inside.get(SERVICE_PEER);
  const lo = inside.get('lo');
  if (peer === undefined || peer.index !== link.linkIndex) return [...faults, 'the other end is in another namespace'];
  if (!peer.up || lo?.up !== true) faults.push('the other end is down');
  if (peer.mac !== PEER_MAC) faults.push(`the other end's lladdr ${peer.mac}`);
  const routes = socket.dump(dumpRoutesRequest({ family: 6, protocol: PROTOCOL }), decodeRoute);
  for (const wanted of routesOf(prefix, lo?.index ?? 1, peer.index)) {
    const isThere = routes.some(
      (one) =>
        one.prefix === wanted.prefix &&
        one.table === wanted.table &&
        one.oif === wanted.oif &&
        one.gateway === wanted.gateway,
    );
    if (!isThere) faults.push(`no route to ${wanted.prefix}`);
  }
  if (routes.length > 2) faults.push('another route');
  const neighbours = socket.dump(dumpNeighboursRequest({ family: 6 }), decodeNeighbour);
  const router = neighbours.find(({ address, ifindex }) => address === ROUTER && ifindex === peer.index);
  if (router?.mac !== DEVICE_MAC || router.state !== NeighbourState.permanent) faults.push(`no neighbour ${ROUTER}`);
  return faults;
}

function remove(kernel: Kernel, netns: string | undefined): void {
  const link = kernel.links.get(SERVICE_DEVICE);
  if (link !== undefined && isOurs(link)) kernel.socket.request(deleteLink(link.index));
  if (netns !== undefined && netnsIdentity(netns) !== undefined) deleteNetns(netns);
  kernel.links.refresh();
}

/** Creates it again. An existing namespace is kept, with the sockets of services in it. */
function make(kernel: Kernel, { netns, prefix }: ServiceLink): void {
  kernel.links.refresh();
  const taken = kernel.links.get(SERVICE_DEVICE);
  if (taken !== undefined && !isOurs(taken)) throw new NameTakenError(taken.kind);
  remove(kernel, undefined);
  if (netnsIdentity(netns) === undefined) createNetns(netns);
  const netnsFd = openNetns(netns);
  try {
    const peer = { name: SERVICE_PEER, mtu: SERVICE_MTU, mac: PEER_MAC, netnsFd };
    kernel.socket.request(newLink({ name: SERVICE_DEVICE, kind: 'veth', mtu: SERVICE_MTU, mac: DEVICE_MAC, peer }));
  } finally {
    closeSync(netnsFd);
  }
  for (const error of kernel.sysctls.writeAll([[NO_IPV6, '1']]).values()) throw error;
  kernel.socket.request(setLink(SERVICE_DEVICE, { alias: ALIAS, up: true }));
  kernel.links.refresh();
  inNetns(netns, () => {
    for (const [path, value] of INSIDE_SETTINGS) {
      if (readFileSync(`/proc/sys/${path}`, 'utf8').trim() !== value) writeFileSync(`/proc/sys/${path}`, value);
    }
  });
  using socket = NetlinkSocket.open({ protocol: 'route', netns });
  socket.request(setLink('lo', { up: true }));
  socket.request(setLink(SERVICE_PEER, { up: true }));
  const inside = new Map(socket.dump(dumpLinksRequest(), decodeLink).map(({ name, index }) => [name, index]));
  const peerIndex = inside.get(SERVICE_PEER) ?? 0;
  socket.request(replaceNeighbour({ ifindex: peerIndex, address: ROUTER, mac: DEVICE_MAC }));
  for (const route of routesOf(prefix, inside.get('lo') ?? 1, peerIndex)) socket.request(createRoute(route));
}

/** Removes routes of a prefix that is no longer the node's. */
function removeRoutes({ netns }: ServiceLink): void {
  if (netnsIdentity(netns) === undefined) return;
  using socket = NetlinkSocket.open({ protocol: 'route', netns });
  for (const route of socket.dump(dumpRoutesRequest({ family: 6, protocol: PROTOCOL }), decodeRoute)) {
    socket.request(deleteRoute({ table: route.table, prefix: route.prefix, type: route.type, protocol: PROTOCOL }));
  }
}

export const serviceLinkResource: Resource<'service-link'> = {
  name: 'service-link',
  after: ['bpf-node'],
  before: ['bpf-program'],
  follows: ON_DEVICE,
  isDevice: 'made',
  // Creating it again removes everything attached to the device.
  cascades: ({ desired, actual }) => desired !== undefined && actual !== undefined,

  list(kernel, wanted) {
    const { netns } = kernel.services;
    const found = new Map<string, ObservedObject<ServiceLink>>();
    const isThere = isOurs(kernel.links.get(SERVICE_DEVICE)) || netnsIdentity(netns) !== undefined;
    if (!isThere) return found;
    const desired = wanted.get(SERVICE_DEVICE);
    const faults = desired === undefined ? [] : faultsOf(kernel, desired);
    const value = desired ?? { netns, prefix: '' };
    return found.set(SERVICE_DEVICE, faults.length === 0 ? value : { ...value, drift: faults.join(', ') });
  },

  apply(kernel, changes) {
    return changes.flatMap(({ key, desired, actual }) => {
      try {
        if (desired === undefined) remove(kernel, actual?.netns);
        else {
          removeRoutes(desired);
          make(kernel, desired);
        }
        return [];
      } catch (error) {
        return [{ key, error: error as Error }];
      }
    });
  },

  conflict(kernel, name) {
    const link = kernel.links.get(name);
    return name !== SERVICE_DEVICE || link === undefined || isOurs(link) ? undefined : new NameTakenError(link.kind);
  },

  describe: (name, { netns, prefix }) => `services ${name} netns ${netns} prefix ${prefix}`,
};
