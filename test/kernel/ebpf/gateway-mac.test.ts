/** One MAC address of a tenant's gateway on all nodes; MAC addresses that VMs cached before keep working. */
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { applyOnce, diffOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { SILENCE_TIMEOUT_S } from '../../../lab/ping.js';
import { useNetwork } from '../../netns/lib/network.js';
import { macOf } from '../../netns/lib/raw.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Intent } from '../../../src/intent/types.js';
import { scopeTo } from '../../../src/app/intent.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;
/** Of the tenants 100 and 200, made of their ids. */
const DEFAULTS = { t100: '02:73:67:00:00:64', t200: '02:73:67:00:00:c8' } as const;
const OTHER = '02:00:5e:00:00:99';
const PEERS = ['10.0.0.2', 'cafe::2'];

describe("the MAC address of a tenant's gateway", () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }));
  const before = new Map<string, string>();
  const own = (): string => macOf(network.netns('hv1'), 't100-1');
  const known = async (vm: string, address: string): Promise<string | undefined> =>
    /lladdr (\S+)/.exec(await network.ip(vm, `neigh show ${address} dev eth0`))?.[1];
  /** Has t100-1 send to an address of the gateway's that it does not ask for. */
  const reaches = async (mac: string): Promise<boolean[]> => {
    const answers: boolean[] = [];
    for (const peer of PEERS) {
      await network.ip('t100-1', `neigh replace ${peer} lladdr ${mac} dev eth0 nud permanent`);
      const { received } = await network.ping('t100-1', peer, { timeoutS: SILENCE_TIMEOUT_S });
      answers.push(received === 1);
      await network.ip('t100-1', `neigh del ${peer} dev eth0`);
    }
    return answers;
  };
  const saying = (gatewayMac?: string): Intent => {
    const intent = network.intent();
    const tenants = intent.tenants.map((one) => ({ ...one, ...(gatewayMac !== undefined && { gatewayMac }) }));
    return { ...intent, tenants };
  };
  /** As a process that starts now sees it: what was remembered is in files and maps alone. */
  const isDone = async (intent: Intent): Promise<boolean> => {
    const instance = new Instance(network.config('hv1'));
    try {
      return (await diffOnce(instance, scopeTo(intent, instance.config.node))).changes.length === 0;
    } finally {
      instance.close();
    }
  };

  beforeAll(() => {
    for (const { name, node } of network.topology.vms) before.set(name, macOf(network.netns(node), name));
  });

  it.each([
    ['t100-1', '10.0.0.2', DEFAULTS.t100],
    ['t100-2', '10.0.0.1', DEFAULTS.t100],
    ['t200-3', '10.0.0.4', DEFAULTS.t200],
    ['t200-4', '10.0.0.3', DEFAULTS.t200],
  ])('is the same on both nodes: %s', async (vm, peer, mac) => {
    for (const address of ['10.0.0.254', 'cafe::254', peer, peer.replace('10.0.0.', 'cafe::')]) {
      await network.ip(vm, 'neigh flush all');
      expect(await network.ping(vm, address), address).toMatchObject({ received: 1 });
      expect(await known(vm, address), address).toBe(mac);
    }
  });

  it('is accepted as destination, as is the interface’s, and no other', async () => {
    expect(own()).not.toBe(DEFAULTS.t100);
    expect(await reaches(DEFAULTS.t100)).toEqual([true, true]);
    expect(await reaches(own())).toEqual([true, true]);
    expect(await reaches(DEFAULTS.t200)).toEqual([false, false]);
  });

  it('follows the intent, and the previous one keeps working', async () => {
    await network.apply('hv1', saying(OTHER));
    expect(await isDone(saying(OTHER))).toBe(true);
    expect(await reaches(OTHER)).toEqual([true, true]);
    expect(await reaches(DEFAULTS.t100)).toEqual([true, true]);
    for (const address of PEERS) {
      expect(await network.ping('t100-1', address), address).toMatchObject({ received: 1 });
      expect(await known('t100-1', address)).toBe(OTHER);
    }

    // Back again, while VMs have the other one.
    await network.apply('hv1', saying());
    expect(await isDone(saying())).toBe(true);
    expect(await reaches(OTHER)).toEqual([true, true]);
    expect(await reaches(DEFAULTS.t100)).toEqual([true, true]);
  });

  it('does not change the interfaces’ own addresses, and purge removes the saved settings', async () => {
    const instance = network.instance('hv1');
    expect((await network.purge('hv1')).failures).toEqual([]);
    expect(existsSync(`${instance.runDirectory}/remembered.json`)).toBe(false);
    for (const { name, node } of network.topology.vms) expect(macOf(network.netns(node), name)).toBe(before.get(name));
    // What was is forgotten: the interface's own address is what VMs may have again.
    const { failures } = await applyOnce(instance, scopeTo(network.intent(), instance.config.node));
    expect(failures).toEqual([]);
    expect(await reaches(own())).toEqual([true, true]);
    expect(await reaches(OTHER)).toEqual([false, false]);
  });
});
