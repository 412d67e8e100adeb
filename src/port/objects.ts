import type { SourceAddress } from '../host/objects.js';
import type { NftObject } from '../reconcile/nft-objects.js';

/** An interface in its tenant's VRF, up. */
export interface PortAttachment {
  /** Absent: in none, the fast path forwards alone. */
  vrf?: string;
  /** Bytes of the tenant's largest packet; the interface's own is remembered and put back. */
  mtu: number;
  /** The tenant's gateway's; the interface's own is remembered and put back. Absent: the interface keeps it, programs speak for the gateway. */
  mac?: string;
  /** Only found, never planned. */
  down?: true;
}

/** A gateway's address on a port, without the prefix's route. */
export interface PortAddress {
  device: string;
  prefix: string;
  noprefixroute?: true;
}

/** A VM's address pinned to its port's MAC (NUD_PERMANENT). */
export interface Neighbour {
  device: string;
  address: string;
  mac: string;
}

/** An IPv6 address the port answers solicitations for (`ip neigh add proxy`). */
export interface ProxyNeighbour {
  device: string;
  address: string;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: `<family> <table>` of a table, `<family> <table> <set> <element, a map's without its value>` of an element */
    guard: NftObject;
    /** key: interface name */
    port: PortAttachment;
    /** key: `<device> <address>/<length>` */
    address: PortAddress | SourceAddress;
    /** key: `<device> <address>` */
    neighbour: Neighbour;
    /** key: `<device> <address>` */
    proxy: ProxyNeighbour;
  }
}
