/**
 * A node for the fast path's entries, on a kernel without VRF: an uplink whose gateway is a namespace of its own, and an interface for
 * each tenant's port.
 */
import { outputOf } from '../../lab/process.js';
import { createNetns } from 'netlink-ts';
import { UPLINK } from './node.js';

const GATEWAY = 'fd00:1::2';

/**
 * Namespaces `<prefix>-node` and `<prefix>-router`.
 *
 * @param sidBlock what lies behind the uplink
 * @param ports names of the interfaces
 * @returns name of the node's namespace
 */
export async function makeStand(prefix: string, sidBlock: string, ports: readonly string[]): Promise<string> {
  const node = `${prefix}-node`;
  const router = `${prefix}-router`;
  createNetns(node);
  createNetns(router);
  // Two ports are each other's peers.
  const pairs = ports.flatMap((port, i) => (i % 2 === 0 ? [[port, ports[i + 1] ?? 'spare'] as const] : []));
  await ip(node, [
    'link set lo up',
    `link add ${UPLINK} up type veth peer name peer netns ${router}`,
    `addr add fd00:1::1/64 dev ${UPLINK} nodad`,
    ...pairs.map(([port, peer]) => `link add ${port} type veth peer name ${peer}`),
    ...ports.map((port) => `link set ${port} up`),
  ]);
  await ip(router, ['link set peer up', `addr add ${GATEWAY}/64 dev peer nodad`]);
  // XDP may send to the uplink then: a veth takes its frames where the peer has NAPI.
  await outputOf(router, ['ethtool', '-K', 'peer', 'gro', 'on']);
  await ip(node, [`route add ${sidBlock} via ${GATEWAY} dev ${UPLINK}`]);
  // Else the ways are found resolved by the first look or by the second: what is measured is entries, not neighbours.
  await outputOf(node, ['ping', '-6', '-c', '1', '-W', '10', GATEWAY]);
  return node;
}

async function ip(netns: string, lines: readonly string[]): Promise<void> {
  await outputOf(netns, ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
