/** Frames as they come, from an interface in a namespace: what no socket of a well-behaved VM would send. */
import { readFileSync } from 'node:fs';
import { Sysctls } from '../../../src/kernel/sysctl.js';
import { check, libcBind, libcClose, libcSend, libcSocket } from '../../../src/kernel/libc.js';
import { getLink, inNetns, NetlinkSocket } from 'netlink-ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCKADDR_LL_BYTES = 20;

/** /proc/net/softnet_stat: both queues of a CPU's backlog (net/core/net-procfs.c, softnet_seq_show). */
const BACKLOG_FIELD = 11;
/** Somebody else's flood may keep a backlog filled; ours is through it long before. */
const BACKLOG_WAIT_MS = 2000;

/**
 * Waits until no CPU has packets in its backlog. A veth puts what it sends into that of its peer's CPU, and on a machine
 * that is busy ksoftirqd takes it from there some time after send() returned.
 */
export function awaitBacklogs(): void {
  const deadline = Date.now() + BACKLOG_WAIT_MS;
  const waiting = (): boolean =>
    readFileSync('/proc/net/softnet_stat', 'utf8')
      .trim()
      .split('\n')
      .some((cpu) => Number.parseInt(cpu.split(' ')[BACKLOG_FIELD] ?? '0', 16) > 0);
  while (waiting() && Date.now() < deadline) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/**
 * Sends frames from an interface of a namespace, and returns when the other end has taken them: what they made programs
 * and the kernel count can be read then.
 */
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
    awaitBacklogs();
  } finally {
    // The kernel closes a packet socket with synchronize_net() (net/packet/af_packet.c, packet_release): it returns after
    // whoever has a packet in hand.
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
