import { ON_DEVICE } from '../reconcile/follows.js';
import { isOurVrf, VRF_NAME } from './ours.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import {
  decodeRoute,
  deleteLink,
  deleteRoute,
  dumpRoutesRequest,
  isNetlinkError,
  type NetlinkRequest,
  newLink,
  setLink,
} from 'netlink-ts';
import { isTenantTable, PROTOCOL } from '../plan/numbers.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { Vrf } from './objects.js';

/** A device that is not segue's has the name of one of segue's VRFs. */
class NameTakenError extends Error {
  readonly code = 'VRF_NAME_TAKEN';

  constructor(name: string, kind: string | undefined) {
    super(
      `device ${name} exists and is not segue's (${kind ?? 'not a virtual device'}): expected no device of that name`,
    );
    this.name = 'NameTakenError';
  }
}

/** The kernel has no VRF support, which data planes with a kernel part need. */
class VrfMissingError extends Error {
  readonly code = 'VRF_MISSING';

  constructor() {
    super(
      'this kernel has no VRF devices: expected CONFIG_NET_VRF, or the module vrf (modprobe vrf); nothing was changed ' +
        '("dataplane: ebpf" in the node file needs none)',
    );
    this.name = 'VrfMissingError';
  }
}

/** Types of routes without a device, which outlive the VRF. */
const DISCARDS: ReadonlySet<string> = new Set(['unreachable', 'blackhole', 'prohibit', 'throw']);

/** Name of a device that is never created. */
const PROBE_NAME = 'sg-probe';

/** VRF devices. */
export const vrfResource: Resource<'vrf'> = {
  name: 'vrf',
  after: ['rule', 'local-rule'],
  follows: ON_DEVICE,
  isDevice: 'made',
  // Its addresses, neighbours and routes are removed with it.
  cascades: ({ desired, actual }) => desired !== undefined && actual !== undefined,

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
      // The kernel ignores the alias at creation (rtnl_create_link, net/core/rtnetlink.c).
      const create = newLink({ name, kind: 'vrf', vrfTable: desired.table, up: true });
      const mark = setLink(name, { alias: desired.alias, up: true });
      if (index === undefined) return [create, mark];
      if (actual === undefined) throw new NameTakenError(name, kernel.links.get(name)?.kind);
      if (actual.table !== desired.table) return [deleteLink(index), ...flush(kernel, actual.table), create, mark];
      return [mark];
    }),

  /**
   * Requests a VRF with a table that none can have: a kernel with VRF support reports that and creates nothing (vrf_newlink, drivers/net/vrf.c).
   */
  require(kernel) {
    for (const { kind } of kernel.links.all()) if (kind === 'vrf') return;
    try {
      kernel.socket.request(newLink({ name: PROBE_NAME, kind: 'vrf', vrfTable: 0 }));
    } catch (error) {
      if (isNetlinkError(error, 'EOPNOTSUPP')) throw new VrfMissingError();
      if (!isNetlinkError(error, 'EINVAL')) throw error;
    }
  },

  conflict(kernel, name) {
    const link = kernel.links.get(name);
    if (link === undefined || isOurVrf(link) || !VRF_NAME.test(name)) return undefined;
    return new NameTakenError(name, link.kind);
  },

  describe: (name, { table }) => `vrf ${name} table ${table}`,
};

/** Removes routes without a device from the table of a VRF, which the kernel keeps when the VRF is removed (net/ipv4/fib_semantics.c). */
function flush(kernel: Kernel, table: number | undefined): NetlinkRequest[] {
  const requests: NetlinkRequest[] = [];
  if (table === undefined || !isTenantTable(table)) return requests;
  for (const family of [4, 6] as const) {
    for (const route of kernel.socket.dump(dumpRoutesRequest({ family, table, protocol: PROTOCOL }), decodeRoute)) {
      if (DISCARDS.has(route.type)) requests.push(deleteRoute(route));
    }
  }
  return requests;
}
