/**
 * Kernel mode: a program at the port answers neighbour solicitations for any number of members by a lookup in the
 * kernel's routes.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { applyOnce } from '../../src/agent/apply.js';
import { Instance, pinDirectory } from '../../src/agent/instance.js';
import { changeLine } from '../../src/cli/print.js';
import { attachments } from '../../src/ebpf/attachments.js';
import { SILENCE_TIMEOUT_S } from '../../lab/ping.js';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from '../../src/plan/numbers.js';
import { fastpathCounts } from './lib/fastpath.js';
import { MARK } from './lib/isolation.js';
import { useNetwork } from './lib/network.js';
import { Witness } from './lib/probe.js';
import { selftestTopology } from './lib/topologies.js';
import type { Topology } from '../../lab/topology.js';
import { scopeTo } from '../../src/app/intent.js';

const MEMBERS6 = 1000;
const MEMBERS4 = 50;
/** Below what the kernel keeps of neighbours (gc_thresh2): the machine's, not a tenant's. */
const AT_A_TIME = 250;
/** How long what waits for a neighbour may take; emulated. */
const ARRIVAL_MS = 60_000;

const members6 = Array.from({ length: MEMBERS6 }, (_, index) => `cafe::1:${(index + 1).toString(16)}`);
const members4 = Array.from({ length: MEMBERS4 }, (_, index) => `10.0.0.${index + 100}`);

/** The VM of the other hypervisor has a thousand addresses more. */
function manyMembers(): Omit<Topology, 'prefix'> {
  const topology = selftestTopology();
  const vms = topology.vms.map((vm) =>
    vm.name === 't100-2' ? { ...vm, addresses: [...vm.addresses, ...members4, ...members6] } : vm,
  );
  return { ...topology, vms };
}

describe('the neighbour responder of kernel mode', () => {
  const network = useNetwork(manyMembers());
  const attached = (): string[] => {
    const { kernel } = network.instance('hv1');
    kernel.links.refresh();
    return attachments(kernel).map(({ device, hook, program }) => `${device} ${hook} ${program.name} ${program.id}`);
  };
  let remote: Witness;
  beforeAll(async () => {
    remote = await Witness.place(network, 't100-2', 'prerouting priority -400', { marked: `udp dport ${MARK}` });
  });
  /** One datagram to each, from a VM that knows no neighbour: all of them arrive. */
  const firstPackets = async (addresses: readonly string[]): Promise<void> => {
    for (let start = 0; start < addresses.length; start += AT_A_TIME) {
      const some = addresses.slice(start, start + AT_A_TIME);
      const before = await remote.count('marked');
      await network.ip('t100-1', 'neigh flush all');
      await network.shell('t100-1', `for to in ${some.join(' ')}; do echo >/dev/udp/$to/${MARK}; done`);
      const arrived = async (): Promise<number> => (await remote.count('marked')) - before;
      await expect.poll(arrived, { timeout: ARRIVAL_MS, interval: 500 }).toBe(some.length);
    }
  };
  const proxies = (): Promise<string> => network.ip('hv1', '-6 neigh show proxy');

  it('makes a thousand members reachable from the first packet on, without proxy entries', async () => {
    expect(await proxies()).toBe('');
    await firstPackets(members6);
    expect(fastpathCounts(network, 'hv1').reasons['answer neighbour']).toBeGreaterThanOrEqual(MEMBERS6);
  });

  it('leaves ARP to the kernel, which answers for the same members', async () => {
    await firstPackets(members4);
  });

  it('answers for the gateway, but not for unused or other tenants’ addresses', async () => {
    for (const [vm, absent] of [
      ['t100-1', 'cafe::77'],
      ['t200-3', 'cafe::1:1'],
    ] as const) {
      expect(await network.ping(vm, absent, { timeoutS: SILENCE_TIMEOUT_S }), vm).toMatchObject({ received: 0 });
      expect(await network.ip(vm, `neigh show ${absent}`), vm).not.toContain('lladdr');
    }
    expect(await network.ping('t100-1', 'cafe::254')).toMatchObject({ received: 1 });
  });

  it("lets duplicate address detection pass for the VM's own address and fail for a member's", async () => {
    const state = async (address: string): Promise<string> => {
      await network.ip('t100-1', `address add ${address}/64 dev eth0`);
      // One that failed stays tentative.
      const waiting = `ip -6 address show to ${address} | grep -v dadfailed | grep -q ' tentative'`;
      await network.shell('t100-1', `for i in {1..50}; do ${waiting} || break; sleep 0.2; done`);
      const shown = await network.ip('t100-1', `-6 address show to ${address}`);
      return /dadfailed/.exec(shown)?.[0] ?? (shown.includes('tentative') ? 'tentative' : 'valid');
    };
    await network.shell(
      't100-1',
      'echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad; echo 1 >/proc/sys/net/ipv6/conf/eth0/dad_transmits',
    );
    await network.ip('t100-1', 'address del cafe::1/64 dev eth0');
    expect(await state('cafe::1')).toBe('valid');
    expect(await state('cafe::1:5')).toBe('dadfailed');
    await network.ip('t100-1', 'address del cafe::1:5/64 dev eth0');
  });

  it('is left attached by another process, and attached again after it was removed', async () => {
    const before = attached();
    expect(before).toEqual([
      expect.stringMatching(/^t100-1 tcx segue_responder /),
      expect.stringMatching(/^t200-3 tcx segue_responder /),
    ]);
    const second = new Instance(network.config('hv1'));
    try {
      const report = await applyOnce(second, scopeTo(network.intent(), second.config.node));
      expect(report).toMatchObject({ failures: [], done: { create: 0, replace: 0, delete: 0 } });
    } finally {
      second.close();
    }
    expect(attached()).toEqual(before);
    const index = network.instance('hv1').kernel.links.indexOf('t100-1');
    rmSync(join(pinDirectory(network.netns('hv1')), 'links', `tcx_${index}`));
    expect((await network.diff('hv1')).map(changeLine)).toEqual([
      '+ fast path program ndp_responder_tc tcx/ingress dev t100-1',
    ]);
    await network.apply('hv1');
    await firstPackets(members6.slice(0, 3));
  });

  it('is replaced by a bounded number of proxy entries where it cannot be loaded, and replaces them later', async () => {
    const empty = join(network.directory, 'no-objects');
    mkdirSync(empty);
    process.env.SEGUE_BPF_OBJECTS = empty;
    try {
      const instance = network.instance('hv1');
      const { warnings } = instance.prepare(scopeTo(network.intent(), instance.config.node));
      expect(warnings).toEqual([
        expect.stringMatching(
          /^tenant t100: 1002 IPv6 members.*an eBPF program would answer for all of them, but cannot run: /,
        ),
      ]);
      await network.apply('hv1');
      expect(attached()).toEqual([]);
      const count = async (device: string): Promise<number> =>
        (await network.ip('hv1', `-6 neigh show proxy dev ${device}`)).split('\n').length - 1;
      expect(await count('t100-1')).toBeGreaterThanOrEqual(MAX_PROXY_NEIGHBOURS_PER_PORT - 1);
      // The smallest by their text.
      expect(await network.ping('t100-1', 'cafe::1:1')).toMatchObject({ received: 1 });
    } finally {
      delete process.env.SEGUE_BPF_OBJECTS;
    }
    await network.apply('hv1');
    expect(await proxies()).toBe('');
    expect(attached()).toHaveLength(2);
    await firstPackets(members6.slice(-3));
  });

  it('is removed by purge', async () => {
    await network.purge('hv1');
    expect(existsSync(pinDirectory(network.netns('hv1')))).toBe(false);
    expect(await proxies()).toBe('');
  });
});
