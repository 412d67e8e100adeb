import { ALIAS_PREFIX } from '../vrf/plan.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { setLink } from '../netlink/link.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind } from '../reconcile/kind.js';
import type { Link } from '../netlink/types.js';
import type { PortAttachment } from './objects.js';

/** A port's interface has a master that is nobody's of ours. */
export class ForeignMasterError extends Error {
  readonly code = 'PORT_FOREIGN_MASTER';

  constructor(name: string, master: string, vrf: string) {
    super(`interface ${name} is a member of ${master}, which is not segue's: expected it free, or in ${vrf}`);
    this.name = 'ForeignMasterError';
  }
}

/** Interfaces in a VRF of ours. */
export const portKind: Kind<'port'> = {
  name: 'port',

  list(kernel, wanted) {
    const found = new Map<string, PortAttachment>();
    for (const link of kernel.links.all()) {
      const ours = ourMaster(kernel, link);
      const want = wanted.get(link.name);
      if (ours === undefined && want === undefined) continue;
      if (ours === undefined && link.master === undefined) continue;
      const vrf = kernel.links.masterOf(link) ?? '';
      found.set(link.name, { vrf, mtu: link.mtu, ...(!link.up && { down: true }) });
    }
    return found;
  },

  async apply(kernel, changes) {
    kernel.remembered.remember(
      changes.flatMap(({ key, desired }): [string, string][] => {
        const link = kernel.links.get(key);
        return desired === undefined || link === undefined ? [] : [[memory(key), String(link.mtu)]];
      }),
    );
    const failures = await applyByNetlink(kernel, changes, ({ key: name, desired }) => {
      const link = kernel.links.get(name);
      if (link === undefined) return [];
      if (desired === undefined) {
        const mtu = Number(kernel.remembered.get(memory(name)) ?? link.mtu);
        return [setLink(link.index, { master: 0, mtu })];
      }
      const master = kernel.links.masterOf(link);
      if (master !== undefined && ourMaster(kernel, link) === undefined) {
        throw new ForeignMasterError(name, master, desired.vrf);
      }
      return [
        setLink(link.index, {
          ...(master !== desired.vrf && { master: kernel.links.indexOf(desired.vrf) }),
          mtu: desired.mtu,
          up: true,
        }),
      ];
    });
    kernel.remembered.forget(changes.filter(({ desired }) => desired === undefined).map(({ key }) => memory(key)));
    return failures;
  },

  devices: ({ vrf }, name) => [name, vrf],

  describe: (name, { vrf, mtu }) => `port ${name} master ${vrf} mtu ${mtu}`,
};

function memory(name: string): string {
  return `mtu ${name}`;
}

/** Is a device in a VRF of ours? */
export function isOurMember(kernel: Kernel, link: Link): boolean {
  return ourMaster(kernel, link) !== undefined;
}

/** Name of the VRF of ours that a link is a member of. */
function ourMaster(kernel: Kernel, link: Link): string | undefined {
  const name = kernel.links.masterOf(link);
  const master = name === undefined ? undefined : kernel.links.get(name);
  return master?.alias?.startsWith(ALIAS_PREFIX) === true ? name : undefined;
}
