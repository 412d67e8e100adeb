import { ON_DEVICE } from '../reconcile/follows.js';
import { foreignMaster, formerMacMemory, heldMac, heldMtu, macMemory, portMemory } from './ours.js';
import { ourMaster } from '../vrf/ours.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { type Link, setLink } from 'netlink-ts';
import type { Resource } from '../reconcile/resource.js';
import type { PortAttachment } from './objects.js';

/** A port's interface has a master that is not segue's. */
class ForeignMasterError extends Error {
  readonly code = 'PORT_FOREIGN_MASTER';

  constructor(name: string, master: string, vrf: string | undefined) {
    const expected = vrf === undefined ? 'no master' : `no master, or ${vrf}`;
    super(`interface ${name} is a member of ${master}, which is not segue's: expected ${expected}`);
    this.name = 'ForeignMasterError';
  }
}

/**
 * Interfaces in segue's VRFs. Where the fast path forwards alone: interfaces that were set up for it, which only the saved MTU identifies.
 */
export const portResource: Resource<'port'> = {
  name: 'port',
  after: ['guard', 'vrf', 'sysctl'],
  follows: ON_DEVICE,
  isDevice: 'attached',
  // An interface that joins a VRF is taken down and up (cycle_netdev, drivers/net/vrf.c): the kernel deletes its neighbours and routes without a
  // notification. A changed MAC address also deletes the neighbours (neigh_changeaddr).
  cascades: ({ desired, actual }) =>
    desired !== undefined && (actual?.vrf !== desired.vrf || actual?.mac !== desired.mac),

  list(kernel, wanted) {
    const found = new Map<string, PortAttachment>();
    for (const link of kernel.links.all()) {
      const ours = ourMaster(kernel, link);
      const want = wanted.get(link.name);
      const isLone = link.master === undefined && want?.vrf === undefined && heldMtu(kernel, link) !== undefined;
      if (ours === undefined && want === undefined && !isLone) continue;
      if (ours === undefined && link.master === undefined && !isLone) continue;
      const vrf = kernel.links.masterOf(link);
      const hasOwnMac = want?.mac === undefined && heldMac(kernel, link) === undefined;
      found.set(link.name, {
        ...(vrf !== undefined && { vrf }),
        mtu: link.mtu,
        ...(!hasOwnMac && link.mac !== undefined && { mac: link.mac }),
        ...(!link.up && { down: true }),
      });
    }
    return found;
  },

  async apply(kernel, changes) {
    // Saved for a deleted interface whose name another one has now.
    kernel.savedSettings.forget(
      changes.flatMap(({ key }) => {
        const link = kernel.links.get(key);
        return link !== undefined && heldMtu(kernel, link) === undefined ? memoriesOf(key) : [];
      }),
    );
    kernel.savedSettings.remember(
      changes.flatMap(({ key, desired }): [string, string][] => {
        const link = kernel.links.get(key);
        if (desired === undefined || link === undefined) return [];
        const changesMac = desired.mac !== undefined && link.mac !== undefined && link.mac !== desired.mac;
        return [
          [portMemory(key), `${link.mtu} ${link.index}`],
          ...(changesMac ? [[macMemory(key), `${link.mac} ${link.index}`] as [string, string]] : []),
        ];
      }),
    );
    const failures = await applyByNetlink(kernel, changes, ({ key: name, desired }) => {
      const link = kernel.links.get(name);
      if (link === undefined) return [];
      if (desired === undefined) {
        const mtu = heldMtu(kernel, link) ?? link.mtu;
        return [setLink(link.index, { master: 0, mtu, ...macOf(link, heldMac(kernel, link)) })];
      }
      const foreign = foreignMaster(kernel, name);
      if (foreign !== undefined) throw new ForeignMasterError(name, foreign, desired.vrf);
      const master = kernel.links.masterOf(link);
      return [
        setLink(link.index, {
          ...(master !== desired.vrf && { master: desired.vrf === undefined ? 0 : kernel.links.indexOf(desired.vrf) }),
          mtu: desired.mtu,
          ...macOf(link, desired.mac ?? heldMac(kernel, link)),
          up: true,
        }),
      ];
    });
    const failed = new Set(failures.map(({ key }) => key));
    // Later resources use the address before devices are listed again.
    for (const { key, desired } of changes) {
      const link = kernel.links.get(key);
      const mac = link && (desired?.mac ?? heldMac(kernel, link));
      if (link !== undefined && mac !== undefined && !failed.has(key)) kernel.links.note({ ...link, mac }, 'new');
    }
    kernel.savedSettings.forget(
      changes.flatMap(({ key, desired }) => {
        if (desired === undefined) return memoriesOf(key);
        return desired.mac === undefined && !failed.has(key) ? [macMemory(key)] : [];
      }),
    );
    return failures;
  },

  conflict(kernel, name) {
    const master = foreignMaster(kernel, name);
    return master === undefined ? undefined : new ForeignMasterError(name, master, 'a VRF of its own');
  },

  devices: ({ vrf }, name) => (vrf === undefined ? [name] : [name, vrf]),

  describe: (name, { vrf, mtu }) => `port ${name}${vrf === undefined ? '' : ` master ${vrf}`} mtu ${mtu}`,
};

/** Keys of all saved settings of an interface as a port. */
function memoriesOf(name: string): string[] {
  return [portMemory(name), macMemory(name), formerMacMemory(name)];
}

/** The MAC address to set, unless the interface has it: each setting makes the kernel delete its neighbours. */
function macOf(link: Link, mac: string | undefined): { mac?: string } {
  return mac === undefined || mac === link.mac ? {} : { mac };
}
