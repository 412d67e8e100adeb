import { ON_ADDRESS, ON_DEVICE, ON_NEIGHBOUR } from '../reconcile/follows.js';
import { PROTOCOL } from '../plan/numbers.js';
import { isPortDevice } from './ours.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { decodeNeighbour, deleteNeighbour, dumpNeighboursRequest, NeighbourState, replaceNeighbour } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { Neighbour, ProxyNeighbour } from './objects.js';

/** Permanent neighbour entries of VMs, recognised by their protocol and a port of segue's. */
export const neighbourResource: Resource<'neighbour'> = {
  name: 'neighbour',
  after: ['address'],
  follows: { ...ON_DEVICE, ...ON_ADDRESS, ...ON_NEIGHBOUR },

  list(kernel, wanted) {
    const found = new Map<string, Neighbour>();
    for (const entry of kernel.socket.dump(dumpNeighboursRequest({}), decodeNeighbour)) {
      const device = kernel.links.nameOf(entry.ifindex);
      const key = `${device} ${entry.address}`;
      const isOurs = entry.protocol === PROTOCOL && (wanted.has(key) || isPortDevice(kernel, device));
      if (!isOurs && !wanted.has(key)) continue;
      const pinned = (entry.state & NeighbourState.permanent) !== 0;
      if (!pinned && !isOurs) continue;
      found.set(key, { device, address: entry.address, mac: pinned ? (entry.mac ?? '') : 'not permanent' });
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ desired, actual }) => {
      const { ifindex, address } = located(kernel, desired ?? actual);
      if (ifindex === undefined) return [];
      if (desired === undefined) return [deleteNeighbour({ ifindex, address })];
      return [
        replaceNeighbour({ ifindex, address, mac: desired.mac, state: NeighbourState.permanent, protocol: PROTOCOL }),
      ];
    }),

  devices: ({ device }) => [device],

  describe: (_key, { device, address, mac }) => `neigh ${address} lladdr ${mac} dev ${device}`,
};

/** Proxy entries, recognised by their protocol and a port of segue's. */
export const proxyResource: Resource<'proxy'> = {
  name: 'proxy',
  after: ['neighbour'],
  follows: { ...ON_DEVICE, ...ON_NEIGHBOUR },

  list(kernel, wanted) {
    const found = new Map<string, ProxyNeighbour>();
    for (const entry of kernel.socket.dump(dumpNeighboursRequest({ proxy: true }), decodeNeighbour)) {
      if (entry.protocol !== PROTOCOL) continue;
      const device = kernel.links.nameOf(entry.ifindex);
      const key = `${device} ${entry.address}`;
      if (wanted.has(key) || isPortDevice(kernel, device)) found.set(key, { device, address: entry.address });
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ desired, actual }) => {
      const { ifindex, address } = located(kernel, desired ?? actual);
      if (ifindex === undefined) return [];
      if (desired === undefined) return [deleteNeighbour({ ifindex, address, proxy: true })];
      return [replaceNeighbour({ ifindex, address, proxy: true, protocol: PROTOCOL })];
    }),

  devices: ({ device }) => [device],

  describe: (_key, { device, address }) => `neigh proxy ${address} dev ${device}`,
};

function located(
  kernel: Kernel,
  value: { device: string; address: string } | undefined,
): { ifindex: number | undefined; address: string } {
  return { ifindex: kernel.links.get(value?.device ?? '')?.index, address: value?.address ?? '' };
}
