/** Plans a migrating port on both nodes: the other node's SIDs, and the notice to the source that the VM is active. */
import { remoteSid } from '../encap/plan.js';
import { noticeSid } from '../encap/sid.js';
import { peerOf } from '../intent/migration.js';
import { familyOf } from 'netlink-ts/inet';
import type { Emit } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';
import type { Port } from '../intent/types.js';

/** A port's migration entry. */
export interface BpfMigration {
  /** Whether the VM's announcement activates it. */
  announced: boolean;
  /** Keys of `bpf-encap`: the tenant's SIDs on the other node. */
  encap4?: string;
  encap6?: string;
  /** Key of the `bpf-encap` for the notice to the source; absent on the source. */
  notice?: string;
}

/** A node that may send the notice that a port's VM is active elsewhere. */
export interface BpfNotice {
  device: string;
  /** Outer source. */
  from: string;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: interface name */
    'bpf-migration': BpfMigration;
    /** key: destination of the notice */
    'bpf-notice': BpfNotice;
  }
}

export function planMigration(view: IntentView, port: Port, emit: Emit): void {
  const { migrate, interface: device, mac } = port;
  if (migrate === undefined || view.fastpath === undefined) return;
  const tenant = view.tenant(port.tenant);
  const peer = view.node(peerOf(migrate));
  const has = (family: 4 | 6): boolean => tenant.subnets.some(({ prefix }) => familyOf(prefix) === family);
  const notice = migrate.from === undefined ? undefined : noticeSid(peer.locator, tenant.id, mac);
  emit('bpf-migration', device, {
    announced: migrate.activate === 'announce',
    ...(has(4) && { encap4: remoteSid(view, tenant, peer.name, 4) }),
    ...(has(6) && { encap6: remoteSid(view, tenant, peer.name, 6) }),
    ...(notice !== undefined && { notice }),
  });
  if (notice !== undefined) emit('bpf-encap', notice, { segments: [notice], underlay: peer.locator });
  else emit('bpf-notice', noticeSid(view.self.locator, tenant.id, mac), { device, from: peer.source });
}
