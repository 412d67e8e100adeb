import { ON_ADDRESS, ON_DEVICE } from '../reconcile/follows.js';
import { isOwnNexthop, isOwnRoute } from './events.js';
import type { Follows } from '../reconcile/follows.js';
import { NEXTHOP_ID_BASE, NEXTHOP_ID_COUNT, PROTOCOL } from '../plan/numbers.js';
import { VRF_NAME } from '../vrf/ours.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { createNexthop, decodeNexthop, deleteNexthop, dumpNexthopsRequest, replaceNexthop } from 'netlink-ts';
import type { Resource } from '../reconcile/resource.js';
import type { Nexthop } from './objects.js';

const NEXTHOP_FOLLOWS: Follows = {
  ...ON_DEVICE,
  ...ON_ADDRESS,
  nexthop: ({ id }) => isOwnNexthop(id),
  // Changes of routes may concern their next hops.
  route: isOwnRoute,
};

/**
 * Next-hop objects, recognised by protocol, range of ids and form (seg6 with segue's VRF as the device). Their key consists of family, VRF and last
 * segment, so that a changed path is one replace, whatever the number of routes that use it.
 */
export const nexthopResource: Resource<'nexthop'> = {
  name: 'nexthop',
  after: ['vrf'],
  follows: NEXTHOP_FOLLOWS,

  list(kernel) {
    const found = new Map<string, Nexthop>();
    kernel.nexthopIds.clear();
    for (const nexthop of kernel.socket.dump(dumpNexthopsRequest({}), decodeNexthop)) {
      const { id, family, encap, oif } = nexthop;
      if (id < NEXTHOP_ID_BASE || id >= NEXTHOP_ID_BASE + NEXTHOP_ID_COUNT) continue;
      const device = oif === undefined ? '' : kernel.links.nameOf(oif);
      const segments = encap?.type === 'seg6' ? encap.segments : [];
      // Protocol and range of ids alone are no proof: segue's next hops have a segment list and segue's VRF.
      if (nexthop.protocol !== PROTOCOL || segments.length === 0 || !VRF_NAME.test(device)) {
        kernel.nexthopIds.occupy(id);
        continue;
      }
      const base = `${family === 4 ? 'inet' : 'inet6'} ${device} ${segments.at(-1) ?? ''}`;
      // A duplicate gets a key that no plan contains, and is removed.
      const key = found.has(base) ? `${base} id ${id}` : base;
      kernel.nexthopIds.set(key, id);
      found.set(key, {
        family: family ?? 6,
        device,
        mode: encap?.type === 'seg6' ? (encap.mode as Nexthop['mode']) : 'encap',
        segments,
      });
    }
    return found;
  },

  async apply(kernel, changes) {
    const failures = await applyByNetlink(kernel, changes, ({ key, desired, actual }) => {
      if (desired === undefined) {
        const id = kernel.nexthopIds.get(key);
        return id === undefined ? [] : [deleteNexthop(id)];
      }
      const { family, device, mode, segments } = desired;
      // Fails if another process has taken the id meanwhile: a replace would redirect that process's routes.
      const request = actual === undefined ? createNexthop : replaceNexthop;
      return [
        request({
          id: kernel.nexthopIds.allocate(key),
          family,
          oif: kernel.links.indexOf(device),
          encap: { type: 'seg6', mode, segments: [...segments] },
          protocol: PROTOCOL,
        }),
      ];
    });
    const failed = new Set(failures.map(({ key }) => key));
    for (const { key, desired } of changes) {
      if (desired === undefined && !failed.has(key)) kernel.nexthopIds.release(key);
    }
    return failures;
  },

  devices: ({ device }) => [device],

  describe: (_key, { family, device, mode, segments }) =>
    `nexthop ${family === 4 ? '-4' : '-6'} encap seg6 mode ${mode} segs ${segments.join(',')} dev ${device}`,
};
