/** Frames as they come, from an interface in a namespace: what no socket of a well-behaved VM would send. */
import { Sysctls } from '../../../src/kernel/sysctl.js';
import { check, libcBind, libcClose, libcSend, libcSocket } from '../../../src/netlink/ffi.js';
import { getLink } from '../../../src/netlink/link.js';
import { inNetns } from '../../../src/netlink/netns.js';
import { NetlinkSocket } from '../../../src/netlink/socket.js';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCKADDR_LL_BYTES = 20;

/** Sends frames from an interface of a namespace. */
export function sendFrames(netns: string, device: string, frames: readonly Buffer[]): void {
  using socket = NetlinkSocket.open({ protocol: 'route', netns });
  const index = getLink(socket, device)?.index;
  if (index === undefined) throw new Error(`${netns}: no device ${device}`);
  const what = `packet socket in ${netns}`;
  const fd = inNetns(netns, () => check(libcSocket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), 'socket', what));
  try {
    const address = Buffer.alloc(SOCKADDR_LL_BYTES);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeInt32LE(index, 4);
    check(libcBind(fd, address, SOCKADDR_LL_BYTES), 'bind', what);
    for (const frame of frames) check(libcSend(fd, frame, frame.length, 0), 'send', what);
  } finally {
    libcClose(fd);
  }
}

/** The MAC of a device. /sys would show another namespace's devices. */
export function macOf(netns: string, device: string): string {
  using socket = NetlinkSocket.open({ protocol: 'route', netns });
  const mac = getLink(socket, device)?.mac;
  if (mac === undefined) throw new Error(`${netns}: no device ${device} with a MAC`);
  return mac;
}

/** Sets sysctls of a namespace; paths below /proc/sys. */
export function setSysctls(netns: string, values: readonly (readonly [path: string, value: string])[]): void {
  const [failure] = new Sysctls(netns).writeAll(values).values();
  if (failure !== undefined) throw failure;
}
