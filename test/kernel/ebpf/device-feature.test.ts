/** Receive VLAN offload of interfaces with XDP: switched off before the program is attached, and restored by purge. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_ROOT } from '../../../src/agent/instance.js';
import { checkUplinks } from '../../../src/observe/doctor/uplinks.js';
import { deviceFeatureResource } from '../../../src/ebpf/feature-resource.js';
import { deviceFeatures } from 'netlink-ts';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const FEATURES = ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'] as const;
const PATIENCE_MS = 300_000;
const dataplane = { hv1: 'ebpf', hv2: 'ebpf' } as const;

describe('an uplink with XDP', () => {
  const network = useNetwork(selftestTopology({ dataplane, xdp: 'always' }), () => Promise.resolve());
  /** As ethtool says. */
  const active = async (device = 'eth0'): Promise<string[]> => {
    const text = await network.shell('hv1', `ethtool -k ${device}`);
    // Of rx-vlan-hw-parse it has an older name.
    const names = { 'rx-vlan-offload': FEATURES[0], 'rx-vlan-stag-hw-parse': FEATURES[1] };
    return Object.entries(names).flatMap(([name, ours]) => (text.includes(`${name}: on`) ? [ours] : []));
  };
  const remembered = (): string => readFileSync(join(RUN_ROOT, network.netns('hv1'), 'remembered.json'), 'utf8');

  it('has no receive VLAN offload, other interfaces have', async () => {
    expect(await active()).toEqual(FEATURES);
    await network.apply('hv1');
    expect(await active()).toEqual([]);
    expect(await active('t100-1')).toEqual(FEATURES);
    for (const feature of FEATURES) expect(remembered()).toContain(`feature eth0 ${feature}`);
    expect(await network.diff('hv1')).toEqual([]);
  });

  it('has the features that ethtool shows', async () => {
    const { kernel } = network.instance('hv1');
    kernel.links.refresh();
    const found = deviceFeatures(kernel.generic, kernel.links.indexOf('t100-1'));
    const text = await network.shell('hv1', 'ethtool -k t100-1');
    expect(found?.active.size).toBeGreaterThan(5);
    const lines = new Set(text.split('\n').map((line) => line.trim()));
    for (const name of found?.active ?? []) {
      for (const state of ['off', 'off [fixed]']) expect(lines).not.toContain(`${name}: ${state}`);
    }
    for (const name of found?.changeable ?? []) {
      for (const state of ['on', 'off']) expect(lines).not.toContain(`${name}: ${state} [fixed]`);
    }
  });

  it('has drift when somebody switches the offload on, and is repaired', async () => {
    await network.shell('hv1', 'ethtool -K eth0 rx-vlan-hw-parse on');
    expect((await network.diff('hv1')).map(({ action, object }) => `${action} ${object}`)).toEqual([
      'replace feature rx-vlan-hw-parse off dev eth0',
    ]);
    await network.apply('hv1');
    expect(await active()).toEqual([]);
  });

  it('is repaired by an agent on the kernel’s notification', async () => {
    const run = await AgentRun.start(network, 'hv1');
    onTestFinished(() => run.stop());
    await network.shell('hv1', 'ethtool -K eth0 rx-vlan-stag-hw-parse on');
    const end = performance.now() + PATIENCE_MS;
    while ((await active()).length > 0 && performance.now() < end) await sleep(20);
    expect(await active()).toEqual([]);
    expect(run.lines.some(({ kind, msg }) => kind === 'device-feature' && msg === 'drift')).toBe(true);
  });

  it('is checked by doctor', async () => {
    const instance = network.instance('hv1');
    const looked = (): string[] => {
      instance.kernel.links.refresh();
      const patient = {
        instance,
        intent: network.intent(),
        intentError: undefined,
        applied: true,
        alone: true,
        hasNft: true,
        unreadable: undefined,
      };
      return checkUplinks(patient)
        .filter(({ name }) => /vlan|veth/.test(name))
        .map(({ status, name }) => `${status} ${name}`);
    };
    expect(looked()).toEqual(['ok uplink.vlan-offload.eth0', 'warn uplink.xdp-veth.eth0']);
    await network.shell('hv1', 'ethtool -K eth0 rx-vlan-hw-parse on');
    expect(looked()[0]).toBe('fail uplink.vlan-offload.eth0');
    await network.apply('hv1');
    expect(looked()[0]).toBe('ok uplink.vlan-offload.eth0');
  });

  it('has the offload again after purge', async () => {
    await network.purge('hv1');
    expect(await active()).toEqual(FEATURES);
  });
});

describe('a feature that its driver has fixed on', () => {
  const network = useNetwork(selftestTopology({ dataplane }), () => Promise.resolve());

  it('is an error without a saved setting, or no drift where its program is optional', async () => {
    const { kernel } = network.instance('hv1');
    kernel.links.refresh();
    const feature = 'vlan-challenged';
    expect(deviceFeatures(kernel.generic, kernel.links.indexOf('lo'))?.active.has(feature)).toBe(true);
    const key = `lo ${feature}`;
    const desired = { device: 'lo', feature };
    const failures = await deviceFeatureResource.apply(kernel, [{ key, desired }]);
    expect(failures.map(({ error }) => error.message)).toEqual([
      `lo: ${feature} is on and fixed: expected it off, as XDP would take VLAN frames for untagged ones ("xdp: auto" attaches no XDP there)`,
    ]);
    expect(kernel.savedSettings.keys()).toEqual([]);
    const optional = { ...desired, optional: true as const };
    expect(await deviceFeatureResource.apply(kernel, [{ key, desired: optional }])).toEqual([]);
    const found = await deviceFeatureResource.list(kernel, new Map([[key, optional]]));
    expect(found.get(key, optional)).toEqual(optional);
  });
});
