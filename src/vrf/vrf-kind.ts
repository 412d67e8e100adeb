import { isOurVrf } from './ours.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { deleteLink, newLink, setLink } from '../netlink/link.js';
import { decodeRoute, deleteRoute, dumpRoutesRequest } from '../netlink/route.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind } from '../reconcile/kind.js';
import type { NetlinkRequest } from '../netlink/request.js';
import type { Vrf } from './objects.js';

/** A device that is none of ours has the name of one of our VRFs. */
export class NameTakenError extends Error {
  readonly code = 'VRF_NAME_TAKEN';

  constructor(name: string, kind: string | undefined) {
    super(`device ${name} exists and is not segue's (${kind ?? 'no virtual device'}): expected no device of that name`);
    this.name = 'NameTakenError';
  }
}

/** Names of our VRFs: `sg-<tenant id>`. */
const OUR_NAME = /^sg-[0-9]+$/;

/** Routes without a device outlive it. */
const DISCARDS: ReadonlySet<string> = new Set(['unreachable', 'blackhole', 'prohibit', 'throw']);

/** VRF devices. */
export const vrfKind: Kind<'vrf'> = {
  name: 'vrf',

  list(kernel) {
    const found = new Map<string, Vrf>();
    for (const link of kernel.links.all()) {
      if (!isOurVrf(link)) continue;
      const vrf: Vrf = { table: link.vrfTable ?? 0, alias: link.alias ?? '' };
      found.set(link.name, link.up ? vrf : { ...vrf, down: true });
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ key: name, desired, actual }) => {
      const index = kernel.links.get(name)?.index;
      if (desired === undefined) {
        return index === undefined ? [] : [deleteLink(index), ...flush(kernel, actual?.table)];
      }
      // The kernel takes no alias at creation (rtnl_create_link, net/core/rtnetlink.c).
      const create = newLink({ name, kind: 'vrf', vrfTable: desired.table, up: true });
      const mark = setLink(name, { alias: desired.alias, up: true });
      if (index === undefined) return [create, mark];
      if (actual === undefined) throw new NameTakenError(name, kernel.links.get(name)?.kind);
      if (actual.table !== desired.table) return [deleteLink(index), ...flush(kernel, actual.table), create, mark];
      return [mark];
    }),

  obstacle(kernel, name) {
    const link = kernel.links.get(name);
    if (link === undefined || isOurVrf(link) || !OUR_NAME.test(name)) return undefined;
    return new NameTakenError(name, link.kind);
  },

  describe: (name, { table }) => `vrf ${name} table ${table}`,
};

/** A VRF that goes leaves routes without a device in its table (net/ipv4/fib_semantics.c keeps discards). */
function flush(kernel: Kernel, table: number | undefined): NetlinkRequest[] {
  const requests: NetlinkRequest[] = [];
  if (table === undefined) return requests;
  for (const family of [4, 6] as const) {
    for (const route of kernel.socket.dump(dumpRoutesRequest({ family, table }), decodeRoute)) {
      if (DISCARDS.has(route.type)) requests.push(deleteRoute(route));
    }
  }
  return requests;
}
