import { ourMaster } from '../vrf/ours.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { setLink } from '../netlink/link.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Link } from '../netlink/types.js';
import type { Kind } from '../reconcile/kind.js';
import type { PortAttachment } from './objects.js';

/** A port's interface has a master that is nobody's of ours. */
export class ForeignMasterError extends Error {
  readonly code = 'PORT_FOREIGN_MASTER';

  constructor(name: string, master: string, vrf: string) {
    super(`interface ${name} is a member of ${master}, which is not segue's: expected it free, or in ${vrf}`);
    this.name = 'ForeignMasterError';
  }
}

/**
 * Interfaces in a VRF of ours; where the fast path forwards alone, those that were set up for it, which only the memory of
 * their MTU tells.
 */
export const portKind: Kind<'port'> = {
  name: 'port',

  list(kernel, wanted) {
    const found = new Map<string, PortAttachment>();
    for (const link of kernel.links.all()) {
      const ours = ourMaster(kernel, link);
      const want = wanted.get(link.name);
      const isLone = link.master === undefined && want?.vrf === undefined && heldMtu(kernel, link) !== undefined;
      if (ours === undefined && want === undefined && !isLone) continue;
      if (ours === undefined && link.master === undefined && !isLone) continue;
      const vrf = kernel.links.masterOf(link);
      found.set(link.name, { ...(vrf !== undefined && { vrf }), mtu: link.mtu, ...(!link.up && { down: true }) });
    }
    return found;
  },

  async apply(kernel, changes) {
    // Of an interface that is gone, and another has its name now.
    kernel.remembered.forget(
      changes.flatMap(({ key }) => {
        const link = kernel.links.get(key);
        return link !== undefined && heldMtu(kernel, link) === undefined ? [memory(key)] : [];
      }),
    );
    kernel.remembered.remember(
      changes.flatMap(({ key, desired }): [string, string][] => {
        const link = kernel.links.get(key);
        return desired === undefined || link === undefined ? [] : [[memory(key), `${link.mtu} ${link.index}`]];
      }),
    );
    const failures = await applyByNetlink(kernel, changes, ({ key: name, desired }) => {
      const link = kernel.links.get(name);
      if (link === undefined) return [];
      if (desired === undefined) {
        const mtu = heldMtu(kernel, link) ?? link.mtu;
        return [setLink(link.index, { master: 0, mtu })];
      }
      const master = kernel.links.masterOf(link);
      if (master !== undefined && ourMaster(kernel, link) === undefined) {
        throw new ForeignMasterError(name, master, desired.vrf ?? 'none');
      }
      return [
        setLink(link.index, {
          ...(master !== desired.vrf && { master: desired.vrf === undefined ? 0 : kernel.links.indexOf(desired.vrf) }),
          mtu: desired.mtu,
          up: true,
        }),
      ];
    });
    kernel.remembered.forget(changes.filter(({ desired }) => desired === undefined).map(({ key }) => memory(key)));
    return failures;
  },

  obstacle(kernel, name) {
    const link = kernel.links.get(name);
    const master = link === undefined ? undefined : kernel.links.masterOf(link);
    if (link === undefined || master === undefined || ourMaster(kernel, link) !== undefined) return undefined;
    return new ForeignMasterError(name, master, 'a VRF of its own');
  },

  devices: ({ vrf }, name) => (vrf === undefined ? [name] : [name, vrf]),

  describe: (name, { vrf, mtu }) => `port ${name}${vrf === undefined ? '' : ` master ${vrf}`} mtu ${mtu}`,
};

function memory(name: string): string {
  return `mtu ${name}`;
}

/** The MTU that an interface had before it became a port; undefined: this one never did, whatever had its name. */
function heldMtu(kernel: Kernel, { name, index }: Link): number | undefined {
  const [mtu, of = String(index)] = kernel.remembered.get(memory(name))?.split(' ') ?? [];
  return mtu === undefined || Number(of) !== index ? undefined : Number(mtu);
}
