import { createNetns, deleteNetns, isNetlinkError, NetlinkSocket, newLink } from 'netlink-ts';

/**
 * Whether the running kernel supports VRFs, tried in a temporary namespace.
 *
 * @param prefix prefix of the namespace's name
 * @throws Error for other failures, such as missing privileges
 */
export function hasVrf(prefix: string): boolean {
  const name = `${prefix}-probe-${process.pid}`;
  createNetns(name);
  try {
    const socket = NetlinkSocket.open({ protocol: 'route', netns: name });
    try {
      socket.request(newLink({ name: 'probe', kind: 'vrf', vrfTable: 1 }));
      return true;
    } catch (error) {
      if (isNetlinkError(error, 'EOPNOTSUPP')) return false;
      throw error;
    } finally {
      socket.close();
    }
  } finally {
    deleteNetns(name);
  }
}
