/** All routes of segue's and all next hops of a namespace, as text, to tell which an operation touched. */
import { decodeNexthop, decodeRoute, dumpNexthopsRequest, dumpRoutesRequest, NetlinkSocket } from 'netlink-ts';
import { PROTOCOL } from '../../src/plan/numbers.js';

export class Dump {
  readonly #objects = new Map<string, string>();

  constructor(netns: string) {
    const socket = NetlinkSocket.open({ protocol: 'route', netns });
    try {
      for (const family of [4, 6] as const) {
        for (const route of socket.dump(dumpRoutesRequest({ family, protocol: PROTOCOL }), decodeRoute)) {
          const { table, prefix, metric } = route;
          this.#objects.set(`route ${prefix} table ${table} metric ${metric}`, JSON.stringify(route));
        }
      }
      for (const nexthop of socket.dump(dumpNexthopsRequest({}), decodeNexthop)) {
        this.#objects.set(`nexthop ${nexthop.id}`, JSON.stringify(nexthop));
      }
    } finally {
      socket.close();
    }
  }

  /** `added …`, `changed …`, `removed …` of what is in a later dump, sorted. */
  differences(later: Dump): string[] {
    const found: string[] = [];
    for (const [name, value] of this.#objects) {
      const now = later.#objects.get(name);
      if (now === undefined) found.push(`removed ${name}`);
      else if (now !== value) found.push(`changed ${name}`);
    }
    for (const name of later.#objects.keys()) if (!this.#objects.has(name)) found.push(`added ${name}`);
    return found.sort();
  }
}
