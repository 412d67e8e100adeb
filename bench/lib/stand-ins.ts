/**
 * A network namespace for the control plane on a kernel without VRF: up, with a veth by the name of each tenant's VRF,
 * which is all that a seg6 next hop wants of it. Two tenants' devices are each other's peers.
 */
import {
  createNetns,
  decodeLink,
  decodeNexthop,
  decodeRoute,
  deleteLink,
  deleteNetns,
  deleteNexthop,
  deleteRoute,
  dumpLinksRequest,
  dumpNexthopsRequest,
  dumpRoutesRequest,
  executeAll,
  NetlinkSocket,
  newLink,
  setLink,
} from 'netlink-ts';
import { PROTOCOL, vrfName } from '../../src/plan/numbers.js';

/** What a namespace holds of segue's. */
export interface Held {
  /** Routes of protocol 94 that lead to a tunnel, by next-hop object or by an encapsulation of their own. */
  tunnelRoutes: number;
  /** All routes of protocol 94. */
  routes: number;
  nexthops: number;
}

export class StandIns {
  readonly netns: string;
  readonly socket: NetlinkSocket;

  private constructor(netns: string) {
    this.netns = netns;
    createNetns(netns);
    this.socket = NetlinkSocket.open({ protocol: 'route', netns });
  }

  static async create(netns: string, tenantIds: readonly number[]): Promise<StandIns> {
    const made = new StandIns(netns);
    try {
      made.socket.request(setLink('lo', { up: true }));
      for (let i = 0; i < tenantIds.length; i += 2) {
        const name = vrfName(tenantIds[i] ?? 0);
        const other = tenantIds[i + 1];
        const peer = other === undefined ? `${name}-peer` : vrfName(other);
        made.socket.request(newLink({ name, kind: 'veth', up: true, peer: { name: peer } }));
        made.socket.request(setLink(peer, { up: true }));
      }
      return made;
    } catch (error) {
      await made.remove();
      throw error;
    }
  }

  /** Counts what is in the kernel. */
  count(): Held {
    const held: Held = { tunnelRoutes: 0, routes: 0, nexthops: 0 };
    for (const family of [4, 6] as const) {
      for (const route of this.socket.dump(dumpRoutesRequest({ family, protocol: PROTOCOL }), decodeRoute)) {
        held.routes += 1;
        if (route.nexthopId !== undefined || route.encap?.type === 'seg6') held.tunnelRoutes += 1;
      }
    }
    held.nexthops = this.socket.dump(dumpNexthopsRequest({}), decodeNexthop).length;
    return held;
  }

  /** Removes all routes and next hops of segue's; the devices stay. */
  async empty(): Promise<void> {
    for (const family of [4, 6] as const) {
      const routes = this.socket.dump(dumpRoutesRequest({ family, protocol: PROTOCOL }), decodeRoute);
      const requests = routes.map(({ table, prefix, metric, type }) => deleteRoute({ table, prefix, metric, type }));
      await executeAll(this.socket, requests);
    }
    const nexthops = this.socket.dump(dumpNexthopsRequest({}), decodeNexthop);
    await executeAll(
      this.socket,
      nexthops.map(({ id }) => deleteNexthop(id)),
    );
  }

  /** Removes the namespace. What is in it goes first: left to the kernel it goes on in the background for long. */
  async remove(): Promise<void> {
    try {
      await this.empty();
      for (const link of this.socket.dump(dumpLinksRequest(), decodeLink)) {
        if (link.name === 'lo' || link.name.endsWith('-peer')) continue;
        // The peer has gone with the one before it.
        this.socket.execute([deleteLink(link.name)]);
      }
    } finally {
      this.socket.close();
      deleteNetns(this.netns);
    }
  }
}
