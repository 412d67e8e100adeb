import type { TenantBehaviour } from './sid.js';

/** H.Encaps.Red towards one tenant's SID on one node; `nexthop` objects share it between routes. */
export interface Nexthop {
  family: 4 | 6;
  /** The tenant's VRF device: the outer lookup starts in its table. */
  device: string;
  mode: 'encap.red' | 'encap';
  /** In travel order; the last is the tenant's SID. */
  segments: readonly string[];
}

export interface Route {
  table: number;
  prefix: string;
  type: 'unicast' | 'blackhole' | 'unreachable';
  metric: number;
  device?: string;
  via?: string;
  /** Key of a next-hop object. */
  nexthop?: string;
  /** A local SID. */
  local?: { action: TenantBehaviour; vrfTable: number };
  /** Only found, never planned: another protocol than ours, an encapsulation that is no local SID. */
  protocol?: number;
  foreignEncap?: string;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: `<inet|inet6> <VRF device> <last segment>` */
    nexthop: Nexthop;
    /** key: `<table> <prefix>[ metric <n>]` */
    route: Route;
  }
}
