import { createNetns, deleteNetns, isNetlinkError, NetlinkSocket, newLink } from 'netlink-ts';

/**
 * Whether the running kernel can make VRF devices: tried, in a namespace of its own.
 *
 * @param prefix of the namespace's name
 * @throws Error when something else goes wrong: the caller may not make namespaces, for one
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
