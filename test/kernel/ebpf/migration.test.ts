/** A real guest migrates from one hypervisor to another while it is pinged; the intent moves its port. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFiles } from '../../../lab/files.js';
import { unplugVm } from '../../../lab/network.js';
import { findHeader } from '../../../src/packet/headers.js';
import { Background } from '../../../lab/process.js';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { makeGuest, Qemu } from '../../netns/lib/qemu.js';
import { intentOf } from '../../../lab/topology.js';
import type { Capture } from '../../../lab/capture.js';
import type { LabNode, LabVm, Topology } from '../../../lab/topology.js';
import type { TestNetwork } from '../../netns/lib/network.js';

const PING_INTERVAL_MS = 100;
/** RFC 792. */
const [ECHO_REQUEST, ECHO_REPLY] = [8, 0];
/** Pings that may be lost of those that were sent while the guest ran. */
const MOST_LOST = 3;
/** Pings before the migration begins, and after it is over. */
const PINGS_AROUND = 20;
const TENANT_MTU = 1460;

const hypervisor = (number: number): LabNode => ({
  name: `hv${number}`,
  role: 'hypervisor',
  locator: `fd00:5e:${number}::/48`,
  dataplane: 'ebpf',
});
const vm = (name: string, number: number, node: string): LabVm => ({
  ...{ name, tenant: 'red', node },
  mac: `02:00:00:00:00:0${number}`,
  addresses: [`10.0.0.${number}`],
});
const GUEST = vm('guest', 1, 'hv1');
const TOPOLOGY: Omit<Topology, 'prefix'> = {
  sidBlock: 'fd00:5e::/32',
  nodes: [hypervisor(1), hypervisor(2), hypervisor(3)],
  tenants: [{ name: 'red', id: 100, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.254' }] }],
  // Both hypervisors have other guests, as in life.
  vms: [GUEST, vm('other', 2, 'hv1'), vm('another', 3, 'hv2'), vm('peer', 4, 'hv3')],
  paths: [],
};
const NETWORK = [
  `ifconfig eth0 ${GUEST.addresses[0] ?? ''} netmask 255.255.255.0 mtu ${TENANT_MTU} up`,
  'route add default gw 10.0.0.254',
].join('\n');

/** ping(8) in the background, and a capture that says when what was sent and came back. */
class Pings {
  readonly #ping: Background;
  readonly #capture: Capture;

  private constructor(ping: Background, capture: Capture) {
    this.#ping = ping;
    this.#capture = capture;
  }

  static async start(from: TestNetwork, name: string, address: string): Promise<Pings> {
    const capture = await from.capture(name, 'eth0', 'icmp');
    const ping = new Background(from.netns(name), ['ping', '-n', '-i', String(PING_INTERVAL_MS / 1000), address]);
    return new Pings(ping, capture);
  }

  /** Resolves when so many more have been answered. */
  async more(count: number): Promise<void> {
    const answered = (): number => this.#ping.output.split(' ttl=').length;
    const before = answered();
    await expect.poll(() => answered() - before, { timeout: 60_000 }).toBeGreaterThanOrEqual(count);
  }

  /** @returns when those were sent, seconds since 1970, that nothing answered though a later one was answered */
  async stop(): Promise<number[]> {
    await this.#ping.stop('SIGINT');
    const packets = await this.#capture.stop();
    expect(this.#capture.lost).toBe(0);
    const of = (type: number): Map<number, number> =>
      new Map(
        packets.flatMap(({ time, headers }): [number, number][] => {
          const icmp = findHeader(headers, 'icmp');
          return icmp?.type === type && icmp.sequence !== undefined ? [[icmp.sequence, time]] : [];
        }),
      );
    const [sent, answered] = [of(ECHO_REQUEST), of(ECHO_REPLY)];
    const last = Math.max(...answered.keys());
    return [...sent].flatMap(([number, time]) => (number < last && !answered.has(number) ? [time] : []));
  }

  async discard(): Promise<void> {
    await this.#ping.stop('SIGKILL');
    await this.#capture.discard();
  }
}

describe('a guest that migrates', () => {
  const network = useNetwork(TOPOLOGY, async (made) => {
    unplugVm(made.topology, GUEST);
    for (const name of ['hv1', 'hv2']) await made.ip(name, `tuntap add dev ${GUEST.name} mode tap`);
  });
  const agents: AgentRun[] = [];
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    for (const name of ['hv1', 'hv2', 'hv3']) {
      const run = await AgentRun.start(network, name);
      agents.push(run);
      stops.push(() => run.stop());
    }
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  it('loses at most three pings besides its downtime', { timeout: 240_000 }, async () => {
    const { directory } = network;
    const common = { ...makeGuest(directory, NETWORK), tap: GUEST.name, mac: GUEST.mac, directory };
    const channel = join(directory, 'channel');
    const source = await Qemu.start({ ...common, name: 'source', netns: network.netns('hv1') });
    stops.push(() => source.stop());
    await source.ready();
    const target = await Qemu.start({ ...common, name: 'target', netns: network.netns('hv2'), incoming: channel });
    stops.push(() => target.stop());

    const pings = await Pings.start(network, 'peer', GUEST.addresses[0] ?? '');
    stops.push(() => pings.discard());
    await pings.more(PINGS_AROUND);
    // What orchestrators have QEMU do: it stops the guest, and goes on once they have moved what is outside of it.
    const capabilities = ['pause-before-switchover', 'events'].map((capability) => ({ capability, state: true }));
    await source.execute('migrate-set-capabilities', { capabilities });
    await source.execute('migrate', { uri: `unix:${channel}` });
    await source.event('MIGRATION', ({ status }) => status === 'pre-switchover');
    const vms = TOPOLOGY.vms.map((one) => (one === GUEST ? { ...one, node: 'hv2' } : one));
    const followed = agents.map((run) => run.waitFor('followed a change of the intent', run.lines.length));
    const topology = { ...network.topology, vms };
    const intent = intentOf(topology);
    writeFiles(topology, directory);
    await Promise.all(followed);
    await source.execute('migrate-continue', { state: 'pre-switchover' });
    const [stopped, resumed] = [await source.event('STOP'), await target.event('RESUME')];
    await pings.more(PINGS_AROUND);
    const lost = await pings.stop();

    expect(await source.execute('query-migrate')).toMatchObject({ status: 'completed' });
    const beyond = lost.filter((time) => time < stopped || time > resumed);
    const text = `stopped for ${Math.round((resumed - stopped) * 1000)} ms, ${lost.length} pings lost, ${beyond.length} of them while the guest ran`;
    process.stdout.write(`${text}\n`);
    expect(beyond.length, text).toBeLessThanOrEqual(MOST_LOST);
    expect(await network.diff('hv2', intent)).toEqual([]);
  });
});
