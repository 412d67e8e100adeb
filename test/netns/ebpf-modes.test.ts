/**
 * `dataplane: ebpf` beside the other modes, and a node that changes its mode. With ebpf on both sides:
 * test/kernel/ebpf/reach.test.ts.
 */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { applyOnce } from '../../src/agent/apply.js';
import { Instance, pinDirectory } from '../../src/agent/instance.js';
import { fastpathCounts } from './lib/fastpath.js';
import { bothFamilies, pingMatrix, tenantOf } from './lib/matrix.js';
import { useNetwork } from './lib/network.js';
import { programPlain } from './lib/plain.js';
import { differencesOf, QUIET, snapshot } from './lib/snapshot.js';
import { selftestTopology } from './lib/topologies.js';
import type { Dataplane } from '../../src/intent/types.js';
import type { Topology } from '../../lab/topology.js';
import { scopeTo } from '../../src/app/intent.js';

const TENANTS = ['t100', 't200'] as const;

/** Four hypervisors, a VM of each of two tenants on each; the same addresses in both tenants. */
function fourNodes(dataplanes: readonly Dataplane[]): Omit<Topology, 'prefix'> {
  const { sidBlock, tenants } = selftestTopology();
  return {
    sidBlock,
    tenants,
    nodes: dataplanes.map((dataplane, index) => ({
      name: `hv${index + 1}`,
      role: 'hypervisor',
      locator: `fd00:5e:${index + 1}::/48`,
      dataplane,
    })),
    vms: TENANTS.flatMap((tenant) =>
      dataplanes.map((_, index) => ({
        name: `${tenant}-${index + 1}`,
        tenant,
        node: `hv${index + 1}`,
        mac: `02:00:00:00:00:0${index + 1}`,
        addresses: [`10.0.0.${index + 1}`, `cafe::${index + 1}`],
      })),
    ),
    paths: [],
  };
}

const NUMBERS = [1, 2, 3, 4];
const INSIDE = bothFamilies(
  TENANTS.flatMap((tenant) =>
    NUMBERS.flatMap((a) => NUMBERS.filter((b) => b !== a).map((b) => `${tenant}-${a} > ${tenant}-${b}`)),
  ),
);

describe('one node hybrid, one kernel, one ebpf, one programmed by plain ip commands', () => {
  // The fourth is nobody's of ours.
  const network = useNetwork(fourNodes(['hybrid', 'kernel', 'ebpf', 'kernel']), async (made) => {
    for (const name of ['hv1', 'hv2', 'hv3']) await made.apply(name);
    await programPlain(made, 'hv4');
  });

  it('all pairs of a tenant reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({ reached: INSIDE, blocked: [], doubtful: [] });
  });

  it('an address that both tenants use leads to the own tenant’s VM', async () => {
    // Every VM of the other tenant has an address of the own one: it is that one who hears.
    const before = await Promise.all(NUMBERS.map((number) => received(`t200-${number}`)));
    expect(await network.ping('t100-1', '10.0.0.3', { count: 3 })).toMatchObject({ received: 3 });
    expect(await network.ping('t100-3', 'cafe::4', { count: 3 })).toMatchObject({ received: 3 });
    expect(await Promise.all(NUMBERS.map((number) => received(`t200-${number}`)))).toEqual(before);
  });

  /** Echo requests that a VM answered. */
  const received = async (name: string): Promise<string> =>
    network.shell(
      name,
      "grep -h -E '^Icmp6InEchos|^Icmp6OutEchoReplies' /proc/self/net/snmp6; cat /proc/self/net/snmp | grep Icmp:",
    );
});

describe('a node that changes its data plane mode', () => {
  // Its VMs know their neighbours, as they must where nobody answers for them.
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'hybrid' } }), () => Promise.resolve());
  const INSIDE_TWO = bothFamilies(['t100-1 > t100-2', 't100-2 > t100-1', 't200-3 > t200-4', 't200-4 > t200-3']);

  const applyAs = async (dataplane: Dataplane): Promise<void> => {
    const instance = new Instance({ ...network.config('hv1'), dataplane });
    try {
      const intent = scopeTo(network.intent(), network.netns('hv1'));
      expect((await applyOnce(instance, intent)).failures).toEqual([]);
      expect((await instance.engine.diff(instance.plan(intent))).changes).toEqual([]);
    } finally {
      instance.close();
    }
  };

  it('forwards in each mode without leftovers of the one before; purge leaves nothing', async () => {
    await network.shell('hv1', QUIET);
    // The kernel's own rule for VRFs comes with the first one and stays.
    await network.shell('hv1', 'ip link add first type vrf table 1; ip link del first');
    const clean = await snapshot(network, 'hv1');
    await network.apply('hv2');
    const vrfs = async (): Promise<number> => (await network.ip('hv1', '-o link show type vrf')).split('\n').length - 1;
    for (const dataplane of ['hybrid', 'ebpf', 'kernel', 'ebpf', 'hybrid', 'ebpf'] as const) {
      await applyAs(dataplane);
      expect(await vrfs(), dataplane).toBe(dataplane === 'ebpf' ? 0 : 2);
      expect(existsSync(pinDirectory(network.netns('hv1'))), dataplane).toBe(true);
      const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
      expect(reach, dataplane).toEqual({ reached: INSIDE_TWO, blocked: [], doubtful: [] });
    }
    expect(fastpathCounts(network, 'hv1').slow).toBe(0);
    await network.purge('hv1');
    expect(differencesOf(clean, await snapshot(network, 'hv1'))).toEqual({ gone: [], come: [] });
    expect(existsSync(pinDirectory(network.netns('hv1')))).toBe(false);
  });
});
