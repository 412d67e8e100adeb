/**
 * One MAC address of a tenant's gateway on all nodes, where a kernel forwards: the interface gets this address, and its
 * own one back at purge.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { SILENCE_TIMEOUT_S } from '../../lab/ping.js';
import { useNetwork } from './lib/network.js';
import { macOf } from './lib/raw.js';
import { selftestTopology } from './lib/topologies.js';

/** Of tenant 100, made of its id. */
const MAC = '02:73:67:00:00:64';
const OTHER = '02:00:5e:00:00:99';

describe("the MAC address of a tenant's gateway, hv1 in kernel mode, hv2 in hybrid mode", () => {
  const own = new Map<string, string>();
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'kernel', hv2: 'hybrid' } }), async (made) => {
    for (const { name, node } of made.topology.vms) own.set(name, macOf(made.netns(node), name));
    await made.applyAll();
  });
  const SIDES = [
    { vm: 't100-1', node: 'hv1', peers: ['10.0.0.2', 'cafe::2'] },
    { vm: 't100-2', node: 'hv2', peers: ['10.0.0.1', 'cafe::1'] },
  ] as const;
  const GATEWAY = ['10.0.0.254', 'cafe::254'];
  /** Has a VM send to an address of the gateway's that it does not ask for. */
  const reaches = async (vm: string, addresses: readonly string[], mac: string): Promise<boolean[]> => {
    const answers: boolean[] = [];
    for (const address of addresses) {
      await network.ip(vm, `neigh replace ${address} lladdr ${mac} dev eth0 nud permanent`);
      const { received } = await network.ping(vm, address, { timeoutS: SILENCE_TIMEOUT_S });
      answers.push(received === 1);
      await network.ip(vm, `neigh del ${address} dev eth0`);
    }
    return answers;
  };

  beforeAll(async () => {
    for (const { vm, peers } of SIDES) for (const peer of peers) await network.ping(vm, peer);
  });

  it.each(SIDES)('is the same for all VMs: $vm at $node', async ({ vm, node, peers }) => {
    expect(macOf(network.netns(node), vm)).toBe(MAC);
    for (const address of [...GATEWAY, ...peers]) {
      expect(await network.ping(vm, address), address).toMatchObject({ received: 1 });
      expect(await network.ip(vm, `neigh show ${address} dev eth0`), address).toContain(`lladdr ${MAC}`);
    }
    expect(await network.diff(node)).toEqual([]);
  });

  it.each(SIDES)(
    'takes packets to the MAC address that VMs cached before, too: $vm at $node',
    async ({ vm, peers }) => {
      expect(await reaches(vm, [...peers, ...GATEWAY], own.get(vm) ?? '')).toEqual([true, true, true, true]);
      expect(await reaches(vm, peers, OTHER)).toEqual([false, false]);
    },
  );

  it('follows the intent, and is repaired when somebody changes the interface’s', async () => {
    const intent = network.intent();
    const changed = { ...intent, tenants: intent.tenants.map((one) => ({ ...one, gatewayMac: OTHER })) };
    for (const { vm, node, peers } of SIDES) {
      await network.apply(node, changed);
      expect(await network.diff(node, changed)).toEqual([]);
      expect(macOf(network.netns(node), vm)).toBe(OTHER);
      expect(await reaches(vm, peers, MAC)).toEqual([true, true]);
      expect(await reaches(vm, peers, OTHER)).toEqual([true, true]);
      await network.apply(node);

      await network.ip(node, `link set ${vm} address 02:00:5e:00:00:98`);
      expect(await network.diff(node)).not.toEqual([]);
      await network.apply(node);
      expect(await network.diff(node)).toEqual([]);
      expect(await reaches(vm, peers, MAC)).toEqual([true, true]);
    }
  });

  it.each(SIDES)('is removed by purge, and the interface has its own again: $vm at $node', async ({ node }) => {
    expect((await network.purge(node)).failures).toEqual([]);
    for (const vm of network.topology.vms.filter((one) => one.node === node)) {
      expect(macOf(network.netns(node), vm.name)).toBe(own.get(vm.name));
    }
  });
});
