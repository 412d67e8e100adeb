/**
 * Three hypervisors in ebpf mode behind two routers, every locator behind both: two ways of equal cost between any two nodes. A VM
 * on hv1 sends, a VM on hv2 receives; hv3 has the receiver's twin, for the day it moves there.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDirectories, pinDirectory, RUN_ROOT } from '../../src/agent/instance.js';
import { stopAll } from '../../lab/agents.js';
import { ensureBpffs } from '../../lab/bpffs.js';
import { removeNamespaces } from '../../lab/namespaces.js';
import { Background, outputOf, runIn } from '../../lab/process.js';
import { FastpathStore } from '../../src/ebpf/fastpath.js';
import { NexthopGroup } from '../../src/ebpf/generated/layouts.js';
import { createNetns } from 'netlink-ts';

export const NODES = ['hv1', 'hv2', 'hv3'] as const;
export type NodeName = (typeof NODES)[number];
const UPLINKS = ['up0', 'up1'] as const;
/** Of each uplink, by its place. */
const ROUTERS = ['r0', 'r1'] as const;
export const RECEIVER = { v4: '10.0.0.2', v6: 'fd00:10::2' } as const;

const SENDER = { v4: '10.0.0.1', v6: 'fd00:10::1' } as const;
/** How long an agent may take to hear of a change, milliseconds. */
const CONVERGE_MS = 60_000;
const POLL_MS = 20;

/** Bytes; what an underlay of 1500 leaves. */
const VM_MTU = 1460;
const VMS = [
  { name: 'sender', node: 'hv1', mac: '02:00:00:00:00:01', addresses: SENDER },
  { name: 'receiver', node: 'hv2', mac: '02:00:00:00:00:02', addresses: RECEIVER },
  // It moves to a hypervisor that is at work.
  { name: 'bystander', node: 'hv3', mac: '02:00:00:00:00:03', addresses: { v4: '10.0.0.3', v6: 'fd00:10::3' } },
  // The same VM, once it has moved.
  { name: 'moved', node: 'hv3', mac: '02:00:00:00:00:02', addresses: RECEIVER },
] as const;

export class FailoverNetwork {
  readonly prefix: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'segue-failover-'));
  readonly #command: string;
  readonly #agents: Background[] = [];

  /**
   * @param prefix of its namespaces: `<prefix>-hv1`
   * @param command path of bin/segue
   */
  constructor(prefix: string, command: string) {
    this.prefix = prefix;
    this.#command = command;
  }

  netns(name: string): string {
    return `${this.prefix}-${name}`;
  }

  /** A shell's script in a namespace, which must succeed. */
  shell(name: string, script: string): Promise<string> {
    return outputOf(this.netns(name), ['bash', '-euo', 'pipefail', '-c', script]);
  }

  /** Builds all of it and starts the agents; returns when they have converged. */
  async build(): Promise<void> {
    await ensureBpffs();
    for (const name of [...NODES, ...ROUTERS, ...VMS.map((vm) => vm.name)]) {
      createNetns(this.netns(name));
      await this.shell(
        name,
        'ip link set lo up; for f in all default; do echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; done',
      );
    }
    for (const name of ROUTERS) await this.shell(name, 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding');
    for (const [index, node] of NODES.entries()) await this.#addNode(node, index + 1);
    for (const vm of VMS) await this.#addVm(vm);
    await this.#startAgents();
  }

  async #startAgents(): Promise<void> {
    this.#writeIntent('hv2');
    for (const node of NODES) {
      const log = join(this.#directory, `${node}.log`);
      const argv = [process.execPath, this.#command, 'agent', '-c', this.#writeNodeFile(node)];
      this.#agents.push(new Background(undefined, argv, { log }));
    }
    await Promise.all(this.#agents.map((agent) => agent.waitFor(/converged on the intent/, CONVERGE_MS)));
  }

  /** The receiver is on another hypervisor from now on, for every agent: one rename. */
  move(to: NodeName): void {
    this.#writeIntent(to);
  }

  /** How many hops each way over the underlay has in a node's fast path, and how many there could be. */
  ways(node: NodeName): number[] {
    const name = this.netns(node);
    const fastpath = new FastpathStore({ runDirectory: join(RUN_ROOT, name), pinDirectory: pinDirectory(name) });
    try {
      const { sg_nh_groups } = fastpath.maps ?? {};
      return [...(sg_nh_groups?.entries() ?? [])].map(([, value]) => value.readUInt32LE(NexthopGroup.OFFSETS.count));
    } finally {
      fastpath.close();
    }
  }

  /** Waits until every way of a node has so many hops. @throws Error when it does not come to that */
  async waysAre(node: NodeName, hops: number): Promise<void> {
    for (let waited = 0; waited < CONVERGE_MS; waited += POLL_MS) {
      if (this.ways(node).every((count) => count === hops)) return;
      await sleep(POLL_MS);
    }
    throw new Error(`${node}: ways of ${this.ways(node).join(', ')} hops, expected ${hops}`);
  }

  /** Waits until the sender reaches an address, and a VM is who hears it. @throws Error when it does not come to that */
  async receives(vm: 'receiver' | 'moved', address: string): Promise<void> {
    const heard = async (): Promise<string> => this.shell(vm, 'cat /proc/net/snmp /proc/net/snmp6');
    for (let waited = 0; waited < CONVERGE_MS; waited += POLL_MS) {
      const before = await heard();
      const answer = await runIn(this.netns('sender'), ['ping', '-c', '1', '-W', '1', address]);
      if (answer.status === 0 && (await heard()) !== before) return;
      await sleep(POLL_MS);
    }
    throw new Error(`${vm}: nothing arrives for ${address}`);
  }

  async remove(): Promise<void> {
    await stopAll(this.#agents);
    await removeNamespaces(this.prefix);
    for (const node of NODES) {
      const name = this.netns(node);
      for (const path of [...nodeDirectories(name), pinDirectory(name)]) rmSync(path, { recursive: true, force: true });
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #addNode(node: NodeName, number: number): Promise<void> {
    const legs: string[] = [];
    for (const [index, router] of ROUTERS.entries()) {
      const uplink = UPLINKS[index] ?? '';
      const net = `fd00:ffff:${number}${index}`;
      await outputOf(undefined, [
        ...['ip', 'link', 'add', uplink, 'netns', this.netns(node), 'type', 'veth'],
        ...['peer', 'name', node, 'netns', this.netns(router)],
      ]);
      await this.shell(node, `ip link set ${uplink} up; ip addr add ${net}::2/64 dev ${uplink} nodad`);
      await this.shell(
        router,
        `ip link set ${node} up; ip addr add ${net}::1/64 dev ${node} nodad; ip -6 route add ${locatorOf(node)} via ${net}::2`,
      );
      legs.push(`nexthop via ${net}::1 dev ${uplink}`);
    }
    await this.shell(node, `ip -6 route add fd00:5e::/32 ${legs.join(' ')}`);
  }

  async #addVm({ name, node, mac, addresses }: (typeof VMS)[number]): Promise<void> {
    await outputOf(undefined, [
      ...['ip', 'link', 'add', name, 'netns', this.netns(node), 'type', 'veth'],
      ...['peer', 'name', 'eth0', 'address', mac, 'netns', this.netns(name)],
    ]);
    await this.shell(node, `ip link set ${name} up`);
    const [link] = JSON.parse(await this.shell(node, `ip -j link show ${name}`)) as { address: string }[];
    const others = VMS.map((vm) => vm.addresses).filter((other) => other !== addresses);
    const neighbours = others.flatMap(({ v4, v6 }) => [v4, v6]);
    await this.shell(
      name,
      [
        `ip link set eth0 up mtu ${VM_MTU}`,
        `ip addr add ${addresses.v4}/24 dev eth0`,
        `ip addr add ${addresses.v6}/64 dev eth0 nodad`,
        ...neighbours.map(
          (address) => `ip neigh replace ${address} lladdr ${link?.address ?? ''} dev eth0 nud permanent`,
        ),
      ].join('\n'),
    );
  }

  get #intentFile(): string {
    return join(this.#directory, 'intent.json');
  }

  /** @param receiver the node that has it */
  #writeIntent(receiver: NodeName): void {
    const here = VMS.filter(({ name, node }) => name === 'sender' || name === 'bystander' || node === receiver);
    const intent = {
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: NODES.map((node) => ({ name: this.netns(node), locator: locatorOf(node) })),
      tenants: [
        {
          name: 'red',
          id: 100,
          subnets: [
            { prefix: '10.0.0.0/24', gateway: '10.0.0.254' },
            { prefix: 'fd00:10::/64', gateway: 'fd00:10::fe' },
          ],
        },
      ],
      ports: here.map(({ name, node, mac, addresses }) => ({
        name: name === 'moved' ? 'receiver' : name,
        tenant: 'red',
        node: this.netns(node),
        interface: name,
        mac,
        addresses: [addresses.v4, addresses.v6],
      })),
    };
    writeFileSync(`${this.#intentFile}.new`, JSON.stringify(intent));
    renameSync(`${this.#intentFile}.new`, this.#intentFile);
  }

  #writeNodeFile(node: NodeName): string {
    const file = join(this.#directory, `${node}.yaml`);
    const name = this.netns(node);
    const lines = [`node: ${name}`, `netns: ${name}`, 'uplinks: [up0, up1]', 'dataplane: ebpf', 'intent: intent.json'];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }
}

function locatorOf(node: NodeName): string {
  return `fd00:5e:${NODES.indexOf(node) + 1}::/48`;
}
