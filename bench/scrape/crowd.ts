/** A hypervisor with very many ports, each of a tenant of its own or several of one, in a network namespace: ifb devices are the ports' interfaces. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from '../../lab/process.js';

export interface CrowdOptions {
  /** The namespace, which is there, and the node's name. */
  netns: string;
  directory: string;
  ports: number;
  /** At most as many as ports: they share them evenly. */
  tenants: number;
  /** Of a gateway, this node among them; default none. */
  networkNodes?: number;
}

const MAKE_MS = 280_000;

/** @returns path of the node file */
export async function makeCrowd({ netns, directory, ports, tenants, networkNodes = 0 }: CrowdOptions): Promise<string> {
  const interfaces = Array.from({ length: ports }, (_none, index) => `p${index}`);
  const batch = [
    ...['link set lo up', 'link add eth0 type ifb', 'link set eth0 up', 'addr add fd00:e0::2/64 dev eth0 nodad'],
    'route add fd00:5e::/32 via fd00:e0::1 dev eth0',
    'neigh add fd00:e0::1 lladdr 02:00:00:00:ee:01 dev eth0 nud permanent',
    ...interfaces.flatMap((name) => [`link add ${name} type ifb`, `link set ${name} up`]),
  ];
  await outputOf(netns, ['ip', '-6', '-batch', '-'], { input: `${batch.join('\n')}\n`, timeoutMs: MAKE_MS });
  const intent = join(directory, 'intent.json');
  const node = (name: string, at: number): object => ({ name, locator: `fd00:5e:${at}::/48` });
  const others = Array.from({ length: Math.max(0, networkNodes - 1) }, (_none, index) => `nn${index + 2}`);
  writeFileSync(
    intent,
    JSON.stringify({
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: [node(netns, 1), node('other', 2), ...others.map((name, index) => node(name, 3 + index))],
      tenants: Array.from({ length: tenants }, (_none, index) => ({
        ...{ name: `t${index}`, id: index + 1, subnets: [{ prefix: '10.0.0.0/16', gateway: '10.0.255.254' }] },
      })),
      ports: interfaces.map((name, index) => ({
        ...{ name: `port-${index}`, tenant: `t${index % tenants}`, node: netns, interface: name },
        mac: `02:00:00:00:${hex(index >> 8)}:${hex(index & 0xff)}`,
        addresses: [`10.0.${index >> 8}.${index & 0xff || 255}`],
      })),
      paths: [],
      ...(networkNodes > 0 && { gateways: [{ name: 'gw', nodes: [netns, ...others], tenants: ['t0', 't1'] }] }),
    }),
  );
  const file = join(directory, 'node.yaml');
  writeFileSync(file, JSON.stringify({ node: netns, netns, uplinks: ['eth0'], dataplane: 'ebpf', intent }));
  return file;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
