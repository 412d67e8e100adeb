/**
 * A host with interfaces of every sort and the edge loaded, in namespaces: `hv` with two uplinks to `core`, `inside` to `router`, and
 * interfaces of the outside. Each neighbour has a namespace of its own; the host forwards.
 */
import { compile } from '../../../src/app/planning.js';
import { createNetns, deleteNetns, listNetns } from 'netlink-ts';
import { Engine } from '../../../src/reconcile/engine.js';
import { edgeResource } from '../../../src/edge/edge-resource.js';
import { openKernel } from '../../../src/app/kernel.js';
import type { Kernel } from '../../../src/kernel/kernel.js';
import { outputOf } from '../../../lab/process.js';
import * as frames from '../../netns/lib/frames.js';
import { macOf, sendFrames } from '../../netns/lib/raw.js';
import type { Plan } from '../../../src/plan/plan.js';
import type { NodeFacts } from '../../../src/plan/view.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';
import type { RunOptions } from '../../../lab/process.js';

const BLOCK = 'fd00:5e::/32';
/** Nodes of the intent. */
export const HV1 = { locator: 'fd00:5e:1::/48', source: 'fd00:5e:1::1', sid: 'fd00:5e:1:4600:64::' } as const;
export const HV2 = { locator: 'fd00:5e:2::/48', source: 'fd00:5e:2::1', sid: 'fd00:5e:2:4600:64::' } as const;
/** Its outer source lies outside the domain's prefixes. */
export const HV3 = { locator: 'fd00:5e:3::/48', source: 'fd00:a3::1' } as const;
const TRUSTED = 'fd00:7::/64';
/** The flow label of what is sent by hand. */
export const LABEL = 0xbad;
/** Addresses of the links: `::1` is the neighbour's, `::2` the host's. */
export const LINK = { eth0: 'fd00:e0', eth1: 'fd00:e1', in0: 'fd00:1a', mgmt0: 'fd00:aa', br0: 'fd00:b0' } as const;
export type LinkName = keyof typeof LINK;

export function intent(): Intent {
  return {
    version: 1,
    sidBlock: BLOCK,
    trusted: [TRUSTED],
    nodes: [
      { name: 'hv1', locator: HV1.locator, source: HV1.source },
      { name: 'hv2', locator: HV2.locator, source: HV2.source },
      { name: 'hv3', locator: HV3.locator, source: HV3.source },
    ],
    tenants: [],
    ports: [],
    paths: [],
  };
}

export class EdgeNode {
  readonly #prefix = `sgt${process.pid}edge-`;
  readonly kernel: Kernel;
  readonly engine: Engine;

  static async build(): Promise<EdgeNode> {
    const node = new EdgeNode();
    await node.#wire();
    return node;
  }

  private constructor() {
    for (const name of ['hv', 'core', 'router', 'outside']) createNetns(this.#prefix + name);
    this.kernel = openKernel({
      netns: this.#prefix + 'hv',
      runDirectory: `/run/segue/${this.#prefix}hv`,
      pinDirectory: `/sys/fs/bpf/segue/${this.#prefix}hv`,
    });
    this.engine = new Engine(this.kernel, { edge: edgeResource });
  }

  netns(name: string): string {
    return this.#prefix + name;
  }

  output(name: string, argv: readonly string[], options?: RunOptions): Promise<string> {
    return outputOf(this.netns(name), argv, options);
  }

  shell(name: string, script: string): Promise<string> {
    return this.output(name, ['bash', '-euo', 'pipefail', '-c', script]);
  }

  async #wire(): Promise<void> {
    const link = (device: string, other: string): string =>
      `ip link add ${device} type veth peer name ${device}p netns ${this.netns(other)}; ip link set ${device} up`;
    await this.shell(
      'hv',
      `ip link set lo up
       sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
       ${link('eth0', 'core')}; ${link('eth1', 'core')}; ${link('in0', 'router')}; ${link('mgmt0', 'outside')}
       ${link('tap0', 'outside')}; ip link add br0 type bridge; ip link set tap0 master br0; ip link set br0 up
       ip addr add ${HV1.source}/128 dev lo`,
    );
    for (const [device, net] of Object.entries(LINK)) {
      await this.shell('hv', `ip addr add ${net}::2/64 dev ${device} nodad`);
      const [far, peer] = this.peerOf(device as LinkName);
      await this.shell(
        far,
        `sysctl -qw net.ipv6.conf.all.accept_dad=0; ip link set lo up; ip link set ${peer} up
         ip addr add ${net}::1/64 dev ${peer} nodad`,
      );
    }
    await this.shell(
      'hv',
      `ip route add ${HV2.locator} via ${LINK.eth0}::1; ip route add ${HV3.source}/128 via ${LINK.eth0}::1
       ip route add ${TRUSTED} via ${LINK.eth0}::1; ip route add fd00:c0::/32 via ${LINK.eth0}::1
       ip route add blackhole ${HV1.locator}`,
    );
    await this.shell('core', `ip addr add ${HV2.sid}/128 dev lo; ip addr add fd00:c0::1/128 dev lo`);
  }

  /** Namespace and device at the far end. */
  peerOf(device: LinkName): [netns: string, device: string] {
    if (device === 'br0') return ['outside', 'tap0p'];
    return [device === 'in0' ? 'router' : device === 'mgmt0' ? 'outside' : 'core', `${device}p`];
  }

  plan(given: Partial<NodeConfig> = {}, facts: Partial<NodeFacts> = {}): Plan {
    const config: NodeConfig = {
      node: 'hv1',
      uplinks: ['eth0', 'eth1'],
      inside: ['in0'],
      dataplane: 'kernel',
      xdp: 'never',
      behaviours: ['dt46'],
      intent: '',
      ...given,
    };
    return compile(intent(), config, { uplinkMtu: 1500, ...facts });
  }

  /** Loads the edge of a plan. */
  async load(plan: Plan): Promise<void> {
    const { failures } = await this.engine.converge(plan);
    if (failures[0] !== undefined) throw failures[0].error;
  }

  /** Sends packets to the host by one of its interfaces, marked. */
  send(device: LinkName, ...packets: readonly Buffer[]): void {
    const [far, peer] = this.peerOf(device);
    const [from, to] = [macOf(this.netns(far), peer), macOf(this.netns('hv'), device)];
    sendFrames(
      this.netns(far),
      peer,
      packets.map((packet) => frames.ethernet(from, to, frames.ETHERTYPE.ipv6, frames.labelled(packet, LABEL))),
    );
  }

  /** What the edge has dropped, by counter. */
  async drops(): Promise<Record<string, number>> {
    const { nftables } = JSON.parse(await this.output('hv', ['nft', '-j', 'list', 'table', 'inet', 'segue_edge'])) as {
      nftables: { counter?: { name: string; packets: number } }[];
    };
    return Object.fromEntries(
      nftables.flatMap(({ counter }) =>
        counter === undefined || counter.packets === 0 ? [] : [[counter.name, counter.packets]],
      ),
    );
  }

  /** Takes out the rules that drop for a reason. */
  async open(chain: string, counter: string): Promise<void> {
    const { nftables } = JSON.parse(
      await this.output('hv', ['nft', '-j', 'list', 'chain', 'inet', 'segue_edge', chain]),
    ) as { nftables: { rule?: { handle: number; expr: unknown } }[] };
    const handles = nftables.flatMap(({ rule }) =>
      rule !== undefined && JSON.stringify(rule.expr).includes(`"${counter}"`) ? [rule.handle] : [],
    );
    if (handles.length === 0) throw new Error(`chain ${chain}: no rule with ${counter}`);
    await this.shell('hv', handles.map((one) => `nft delete rule inet segue_edge ${chain} handle ${one}`).join('\n'));
  }

  remove(): void {
    this.kernel.close();
    for (const name of listNetns()) if (name.startsWith(this.#prefix)) deleteNetns(name);
  }
}
