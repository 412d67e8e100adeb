/**
 * Four network namespaces in a row, joined by veth pairs: gen – hv1 – hv2 – sink. The tenant's packets go from gen to the
 * network behind sink; how they cross from hv1 to hv2 is what a path adds (bench/paths). With a network node there are five: gen –
 * hv1 – nn – hv2 – sink.
 */
import { writeFileSync } from 'node:fs';
import { Background, outputOf } from '../../lab/process.js';
import { createNetns, getLink, inNetns, NetlinkSocket, netnsPath } from 'netlink-ts';
import { removeNamespaces } from '../../lab/namespaces.js';
import { nativeProgram } from '../lib/native.js';
import { onCpu, tethered } from '../lib/tethered.js';
import { INNER, MAC, NODES, PORT, VM } from './names.js';
import { endCommands, sourceCommand, underlayLinks } from './underlay.js';
import type { Node } from './names.js';

/**
 * What the underlay's devices carry. `super`: packets as large as the stack made them (veth as it is). `wire`: frames as a
 * wire has them, segmented before the device and merged by GRO after it, as a NIC without tunnel offloads would.
 */
export type Underlay = 'super' | 'wire';

export interface ChainOptions {
  /** Of the namespaces' names; unique. */
  prefix: string;
  /** MTU of the tenant's interfaces, bytes. */
  tenantMtu: number;
  underlay: Underlay;
  /** A network node between the hypervisors. */
  networkNode?: boolean | undefined;
  /** IPv4 addresses behind the sink, from its first on, that a path is to know one by one: as many routes or entries at each hop. */
  endpoints?: number | undefined;
  /** The sink is behind a TAP, as a VM is, in place of a veth; what stands in for its back end (native/tapbridge.c) has this CPU. */
  tapCpu?: number;
}

const TAP_TIMEOUT_MS = 10_000;

/** Links of tenants, their addresses and permanent neighbours: nothing is resolved while something is measured. */
function tenantCommands(node: Node, tenantMtu: number): string[] {
  const neighbours = (device: string, mac: string, addresses: readonly string[]): string[] =>
    addresses.map((address) => `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`);
  const inner = (device: string, mac: string, v4: string, v6: string): string[] => [
    `link set ${device} address ${mac} mtu ${tenantMtu} up`,
    `addr add ${v4}/24 dev ${device}`,
    `addr add ${v6}/64 dev ${device} nodad`,
  ];
  switch (node) {
    case 'gen':
      return [
        ...inner(VM, MAC.gen, INNER[4].gen, INNER[6].gen),
        ...neighbours(VM, MAC.hv1Port, [INNER[4].genGateway, INNER[6].genGateway]),
        `route add default via ${INNER[4].genGateway}`,
        `route add default via ${INNER[6].genGateway}`,
      ];
    case 'hv1':
      return [
        ...inner(PORT, MAC.hv1Port, INNER[4].genGateway, INNER[6].genGateway),
        ...neighbours(PORT, MAC.gen, [INNER[4].gen, INNER[6].gen]),
      ];
    case 'nn':
      return [];
    case 'hv2':
      return [
        ...inner(PORT, MAC.hv2Port, INNER[4].sinkGateway, INNER[6].sinkGateway),
        ...neighbours(PORT, MAC.sink, [INNER[4].sinkLink, INNER[6].sinkLink]),
        `route add ${INNER[4].sinkPrefix} via ${INNER[4].sinkLink} dev ${PORT}`,
        `route add ${INNER[6].sinkPrefix} via ${INNER[6].sinkLink} dev ${PORT}`,
      ];
    case 'sink':
      return [
        ...inner(VM, MAC.sink, INNER[4].sinkLink, INNER[6].sinkLink),
        ...neighbours(VM, MAC.hv2Port, [INNER[4].sinkGateway, INNER[6].sinkGateway]),
        `addr add ${INNER[4].sink}/32 dev lo`,
        `addr add ${INNER[6].sink}/128 dev lo nodad`,
        `route add default via ${INNER[4].sinkGateway} src ${INNER[4].sink}`,
        `route add default via ${INNER[6].sinkGateway} src ${INNER[6].sink}`,
      ];
  }
}

export class Chain {
  readonly options: ChainOptions;
  #tap: Background | undefined;

  private constructor(options: ChainOptions) {
    this.options = options;
  }

  /** Makes the namespaces and links; without a path the hypervisors cannot reach each other's tenants. */
  static async create(options: ChainOptions): Promise<Chain> {
    const chain = new Chain(options);
    try {
      const links = underlayLinks(options.networkNode === true);
      const nodes: Node[] = [...NODES, ...(options.networkNode === true ? (['nn'] as const) : [])];
      for (const node of nodes) {
        createNetns(chain.netns(node));
        // Packets of the kernel's own, which a timer sends on any CPU, would take a device's NAPI to that CPU.
        chain.sysctl(node, {
          'ipv6/conf/default/router_solicitations': 0,
          'ipv6/conf/default/dad_transmits': 0,
        });
      }
      await chain.#join('gen', VM, 'hv1', PORT);
      for (const { a, b } of links) await chain.#join(a.node, a.device, b.node, b.device);
      if (options.tapCpu !== undefined) await chain.#startTap(options.tapCpu);
      else await chain.#join('sink', VM, 'hv2', PORT);
      for (const node of nodes) {
        if (node !== 'gen' && node !== 'sink') {
          chain.#forward(node);
          await chain.ip(node, [sourceCommand(node)]);
        }
        await chain.ip(node, ['link set lo up', ...tenantCommands(node, options.tenantMtu)]);
      }
      for (const link of links) {
        for (const [end, peer] of [
          [link.a, link.b],
          [link.b, link.a],
        ] as const) {
          await chain.ip(end.node, endCommands(end, peer, link));
        }
      }
      for (const { node, device } of links.flatMap(({ a, b }) => [a, b])) {
        if (options.underlay === 'wire') await chain.offload(node, device, ['tso', 'off', 'gso', 'off', 'gro', 'on']);
      }
    } catch (error) {
      await chain.remove();
      throw error;
    }
    return chain;
  }

  netns(node: Node): string {
    return `${this.options.prefix}-${node}`;
  }

  /** Runs lines of `ip -batch` in a node. @throws Error with ip's words */
  async ip(node: Node, lines: readonly string[]): Promise<void> {
    await outputOf(this.netns(node), ['ip', '-batch', '-'], { input: lines.join('\n') + '\n' });
  }

  /** The same of `ip -4`, whose family next hops without a gateway take. */
  async ip4(node: Node, lines: readonly string[]): Promise<void> {
    await outputOf(this.netns(node), ['ip', '-4', '-batch', '-'], { input: lines.join('\n') + '\n' });
  }

  /** Runs a program in a node to its end. @throws Error with its words */
  run(node: Node, argv: readonly string[]): Promise<string> {
    return outputOf(this.netns(node), argv);
  }

  /** ethtool -K. */
  async offload(node: Node, device: string, features: readonly string[]): Promise<void> {
    await this.run(node, ['ethtool', '-K', device, ...features]);
  }

  /** Sets sysctls under net/. */
  sysctl(node: Node, values: Readonly<Record<string, number>>): void {
    inNetns(this.netns(node), () => {
      for (const [name, value] of Object.entries(values)) writeFileSync(`/proc/sys/net/${name}`, String(value));
    });
  }

  /**
   * Turns GRO on at the tenant's ends, which gives those devices NAPI: without it (or an XDP program) a veth drops every
   * frame that XDP redirects to it (drivers/net/veth.c, veth_xdp_xmit).
   */
  async acceptRedirected(): Promise<void> {
    await this.offload('gen', VM, ['gro', 'on']);
    await this.offload('hv1', PORT, ['gro', 'on']);
  }

  ifindex(node: Node, device: string): number {
    const socket = NetlinkSocket.open({ protocol: 'route', netns: this.netns(node) });
    try {
      const link = getLink(socket, device);
      if (link === undefined) throw new Error(`link ${device} in ${this.netns(node)}: absent`);
      return link.index;
    } finally {
      socket.close();
    }
  }

  async remove(): Promise<void> {
    await this.#tap?.stop('SIGKILL');
    await removeNamespaces(this.options.prefix);
  }

  async #join(a: Node, device: string, b: Node, peer: string): Promise<void> {
    await this.ip(a, [`link add ${device} type veth peer name ${peer} netns ${this.netns(b)}`]);
  }

  async #startTap(cpu: number): Promise<void> {
    const argv = [nativeProgram('tapbridge'), netnsPath(this.netns('hv2')), PORT, VM];
    this.#tap = new Background(this.netns('sink'), tethered(onCpu(cpu, argv)));
    await this.#tap.waitFor(/bridging/, TAP_TIMEOUT_MS);
  }

  #forward(node: Node): void {
    this.sysctl(node, {
      'ipv4/ip_forward': 1,
      'ipv6/conf/all/forwarding': 1,
      // A decapsulated IPv4 packet comes from the underlay device.
      'ipv4/conf/all/rp_filter': 0,
      'ipv4/conf/default/rp_filter': 0,
    });
  }
}
