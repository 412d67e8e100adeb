import type { SourceAddress } from '../host/objects.js';
import type { NftObject } from '../reconcile/nft-objects.js';

/** An interface in its tenant's VRF, set up. */
export interface PortAttachment {
  /** Absent if the fast path forwards alone: the port is in no VRF. */
  vrf?: string;
  /** Largest packet of the tenant in bytes; the interface's former MTU is saved and restored. */
  mtu: number;
  /**
   * MAC address of the tenant's gateway; the interface's former address is saved and restored. Absent: it keeps its address, and programs answer
   * for the gateway.
   */
  mac?: string;
  /** Only observed, never planned. */
  down?: true;
}

/** A gateway's address on a port, without a prefix route. */
export interface PortAddress {
  device: string;
  prefix: string;
  noprefixroute?: true;
}

/** A permanent neighbour entry (NUD_PERMANENT) of a VM's address with the MAC address of its port. */
export interface Neighbour {
  device: string;
  address: string;
  mac: string;
}

/** An IPv6 address for which the port answers neighbour solicitations (`ip neigh add proxy`). */
export interface ProxyNeighbour {
  device: string;
  address: string;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: `<family> <table>` for a table; `<family> <table> <set> <element, without the value of a map>` for an element */
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
