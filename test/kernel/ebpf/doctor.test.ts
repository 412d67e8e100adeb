/** What doctor reports about an uplink and a bridge. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Instance } from '../../../src/agent/instance.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { scopeTo } from '../../../src/app/intent.js';

describe('an uplink and a bridge', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));

  const bridge = async (...uplinks: string[]): Promise<string[]> => {
    const instance = new Instance({ ...network.config('hv1'), uplinks });
    try {
      const file = join(network.directory, 'hv1.yaml');
      const intent = scopeTo(network.intent(), instance.config.node);
      const { checks } = await runChecks({ instance, file, defaultFile: file, intent, intentError: undefined });
      return checks
        .filter(({ name }) => name.startsWith('uplink.bridge.'))
        .map(({ status, what }) => `${status} ${what}`);
    } finally {
      instance.close();
    }
  };

  it('fail together with a VM’s interface, and pass without one', async () => {
    expect(await bridge('eth0')).toEqual([]);
    await network.shell(
      'hv1',
      'ip link add br0 type bridge; ip link set br0 up; ip link set eth0 master br0; ip link add vm0 type veth peer name vm1',
    );
    expect(await bridge('br0')).toEqual(['ok br0 is a bridge whose only member is the physical interface']);
    expect(await bridge('eth0')).toEqual(['ok br0 is a bridge whose only member is the physical interface']);
    await network.shell('hv1', 'ip link set vm0 master br0');
    expect(await bridge('br0')).toEqual(['fail br0 is a bridge with eth0, vm0']);
    expect(await bridge('eth0')).toEqual(['fail eth0 is a member of bridge br0 with vm0']);
    await network.shell('hv1', 'ip link del br0');
    expect(await bridge('eth0')).toEqual([]);
  });
});
