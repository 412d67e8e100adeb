/** Links, sockets and settings in a laboratory's namespaces. */
import { closeSync } from 'node:fs';
import { Sysctls } from '../src/kernel/sysctl.js';
import { getLink, NetlinkSocket, newLink, openNetns, setDeviceFeatures, setLink } from 'netlink-ts';

export const RT_TABLE_MAIN = 254;

/** Creates a veth pair between two namespaces, with both ends down. */
export function link(
  netns: string,
  name: string,
  peerNetns: string,
  peerName: string,
  { mtu, peerMac }: { mtu?: number; peerMac?: string },
): void {
  const netnsFd = openNetns(peerNetns);
  try {
    withSocket(netns, (socket) => {
      const size = mtu === undefined ? {} : { mtu };
      const peer = { name: peerName, netnsFd, ...size, ...(peerMac !== undefined && { mac: peerMac }) };
      socket.request(newLink({ name, kind: 'veth', ...size, peer }));
    });
  } finally {
    closeSync(netnsFd);
  }
}

/**
 * Makes a device insert VLAN tags into the frames that it sends. By default a veth passes tags as metadata, which the peer's XDP program does not
 * see.
 */
export function sendTagsInFrames(netns: string, device: string): void {
  const generic = NetlinkSocket.open({ protocol: 'generic', netns });
  try {
    withSocket(netns, (socket) => {
      const ifindex = getLink(socket, device)?.index;
      if (ifindex === undefined) throw new Error(`device ${device} vanished`);
      setDeviceFeatures(generic, ifindex, { 'tx-vlan-hw-insert': false, 'tx-vlan-stag-hw-insert': false });
    });
  } finally {
    generic.close();
  }
}

/** @returns its ifindex */
export function bringUp(socket: NetlinkSocket, name: string): number {
  socket.request(setLink(name, { up: true }));
  const index = getLink(socket, name)?.index;
  if (index === undefined) throw new Error(`device ${name} vanished`);
  return index;
}

export function loopback(socket: NetlinkSocket): number {
  return getLink(socket, 'lo')?.index ?? 1;
}

/** Disables duplicate address detection, which takes a second or two, in a namespace without possible conflicts. */
export function quietNamespace(netns: string | undefined, { forwarding }: { forwarding: boolean }): void {
  set(netns, [
    ['net/ipv6/conf/default/accept_dad', '0'],
    ['net/ipv6/conf/all/accept_dad', '0'],
    ['net/ipv6/conf/all/forwarding', forwarding ? '1' : '0'],
  ]);
}

export function set(netns: string | undefined, values: [path: string, value: string][]): void {
  const [failure] = new Sysctls(netns).writeAll(values).values();
  if (failure !== undefined) throw failure;
}

export function withSocket(netns: string, use: (socket: NetlinkSocket) => void): void {
  const socket = NetlinkSocket.open({ protocol: 'route', netns });
  try {
    use(socket);
  } finally {
    socket.close();
  }
}
