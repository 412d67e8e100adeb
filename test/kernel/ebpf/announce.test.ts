/**
 * The announcement of the locator: added last, removed first, held back while anything fails, withdrawn by the plan
 * alone.
 */
import { emptyPlan } from '../../../src/app/planning.js';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { attachXdp, type BpfLink, queryTcx, queryXdp } from 'libbpf-ts';
import { ALL_RESOURCES } from '../../../src/app/features.js';
import { bpfProgramResource } from '../../../src/ebpf/program-resource.js';
import { announceResource } from '../../../src/host/announce-resource.js';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { load } from '../libbpf/harness.js';
import type { TestNetwork } from '../../netns/lib/network.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';
import type { Report } from '../../../src/reconcile/change.js';
import type { ResourceTable } from '../../../src/reconcile/resource.js';
import { scopeTo } from '../../../src/app/intent.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;
const LOCATOR = 'fd00:5e:1::/48';
const nothing = (): Promise<void> => Promise.resolve();

const announced = async (network: TestNetwork, table = 'main'): Promise<boolean> =>
  (await network.shell('hv1', `ip -6 route show ${LOCATOR} proto 94 table ${table} 2>/dev/null || :`)).startsWith(
    'blackhole',
  );
const discards = async (network: TestNetwork): Promise<number> =>
  (await network.ip('hv1', '-6 rule show')).split('\n').filter((line) => /^3276[234]:.*to fd00:5e:1::\/48/.test(line))
    .length;
const applied = (
  network: TestNetwork,
  intent: Intent = network.intent(),
  instance = network.instance('hv1'),
): Promise<Report> => applyOnce(instance, scopeTo(intent, instance.config.node));

describe('the announcement', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH, xdp: 'always' }), nothing);

  it('is added after all programs are attached, and withdrawn before the first is detached', async () => {
    const seen: string[] = [];
    const programs = (): string => {
      const where = (device: string) => ({ interface: device, netns: network.netns('hv1') });
      const tcx = ['eth0', 't100-1', 't200-3'].map(
        (device) => queryTcx({ ...where(device), direction: 'ingress' }).programs.length,
      );
      return `${tcx.join(' ')} ${queryXdp(where('eth0')) === 0 ? 'no xdp' : 'xdp'}`;
    };
    // The kinds as they are, and what is there when they are asked.
    const kinds: ResourceTable = {
      ...ALL_RESOURCES,
      announce: {
        ...announceResource,
        apply: (kernel, changes) => {
          seen.push(`${changes[0]?.desired === undefined ? 'withdrawn' : 'announced'}: programs ${programs()}`);
          return announceResource.apply(kernel, changes);
        },
      },
      'bpf-program': {
        ...bpfProgramResource,
        apply: async (kernel, changes) => {
          seen.push(`programs change: ${(await announced(network)) ? 'announced' : 'not announced'}`);
          return bpfProgramResource.apply(kernel, changes);
        },
      },
    };
    const instance = new Instance(network.config('hv1'), kinds);
    try {
      expect((await applied(network, network.intent(), instance)).failures).toEqual([]);
      expect(await announced(network)).toBe(true);
      expect((await purge(instance)).failures).toEqual([]);
    } finally {
      instance.close();
    }
    expect(seen).toEqual([
      'programs change: not announced',
      'announced: programs 1 1 1 xdp',
      'withdrawn: programs 1 1 1 xdp',
      'programs change: not announced',
    ]);
    expect(await announced(network)).toBe(false);
  });
});

describe('a failure', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH, xdp: 'always' }), nothing);
  const where = () => ({ interface: 'eth0', netns: network.netns('hv1') });
  const occupy = (): BpfLink => attachXdp(load('test/foreign').program('foreign_xdp'), where());
  const free = (link: BpfLink): void => {
    link.detach();
    link.close();
  };

  it('holds the announcement back, but not the discard, and withdraws no existing announcement', async () => {
    let foreign = occupy();
    const first = await applied(network);
    expect(first.failures.map(({ kind }) => kind)).toEqual(['bpf-program']);
    expect(first.heldBack.map(({ key }) => key)).toEqual([`254 ${LOCATOR}`]);
    expect([await announced(network), await discards(network)]).toEqual([false, 3]);

    free(foreign);
    expect(await applied(network)).toMatchObject({ failures: [], heldBack: [] });
    expect(await announced(network)).toBe(true);

    // The hook is lost to somebody else: the repair fails, the node goes on by tcx, and is reached as before.
    const { fastpath, links } = network.instance('hv1').kernel;
    links.refresh();
    const xdp = [{ key: 'eth0 xdp', actual: { device: 'eth0', hook: 'xdp', program: 'uplink_xdp' } as const }];
    expect(await bpfProgramResource.apply(network.instance('hv1').kernel, xdp)).toEqual([]);
    expect(fastpath.links().some(({ hook }) => hook === 'xdp')).toBe(false);
    foreign = occupy();
    expect((await applied(network)).failures).toHaveLength(1);
    expect(await announced(network)).toBe(true);
    free(foreign);
    await network.purge('hv1');
  });

  it('holds an agent’s announcement back until it is repaired', { timeout: 180_000 }, async () => {
    const foreign = occupy();
    const run = await AgentRun.start(network, 'hv1');
    try {
      await run.waitFor('held back until nothing fails');
      expect([await announced(network), await discards(network)]).toEqual([false, 3]);
      free(foreign);
      await expect.poll(() => announced(network), { timeout: 120_000 }).toBe(true);
    } finally {
      await run.stop();
    }
    // It stays when the agent does not, and the next one touches nothing.
    expect(await announced(network)).toBe(true);
    const next = await AgentRun.start(network, 'hv1');
    await next.stop();
    const line = next.lines.find(({ msg }) => msg === 'converged on the intent');
    expect(line).toMatchObject({ create: 0, replace: 0, delete: 0 });
  });
});

describe('the plan', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }));
  const drained = (ports: boolean): Intent => {
    const intent = network.intent();
    const self = network.netns('hv1');
    return {
      ...intent,
      nodes: intent.nodes.map((node) => (node.name === self ? { ...node, drain: true } : node)),
      ports: ports ? intent.ports : intent.ports.filter(({ node }) => node !== self),
    };
  };

  it('withdraws the announcement when a draining node has no ports left', async () => {
    await applied(network, drained(true));
    expect(await announced(network)).toBe(true);
    expect(await network.ping('t100-2', '10.0.0.1')).toMatchObject({ received: 1 });
    await applied(network, drained(false));
    expect([await announced(network), await discards(network)]).toEqual([false, 3]);
    await applied(network);
    expect(await announced(network)).toBe(true);
  });

  it('has the announcement in the node file’s table, or in none', async () => {
    const as = async (announce: NodeConfig['announce']): Promise<[boolean, boolean]> => {
      const instance = new Instance({ ...network.config('hv1'), ...(announce && { announce }) });
      try {
        expect((await applied(network, network.intent(), instance)).failures).toEqual([]);
      } finally {
        instance.close();
      }
      return [await announced(network), await announced(network, '100')];
    };
    expect(await as({ table: 100 })).toEqual([false, true]);
    expect(await as('none')).toEqual([false, false]);
    expect(await network.ping('t100-2', '10.0.0.1')).toMatchObject({ received: 1 });
    expect(await as(undefined)).toEqual([true, false]);
    expect(await network.diff('hv1')).toEqual([]);
  });

  it('is compared with the announcement by doctor', async () => {
    const announcement = async (): Promise<string[]> => {
      const file = join(network.directory, 'hv1.yaml');
      const intent = scopeTo(network.intent(), network.netns('hv1'));
      const instance = network.instance('hv1');
      const { checks } = await runChecks({ instance, file, defaultFile: file, intent, intentError: undefined });
      return checks
        .filter(({ name }) => name === 'underlay.announcement' || name === 'underlay.locator')
        .map(({ status, what }) => `${status} ${what}`);
    };
    expect(await announcement()).toEqual([
      `ok rule pref 32764 to ${LOCATOR} blackhole`,
      `ok blackhole ${LOCATOR} table 254: the locator is announced`,
    ]);
    await network.shell('hv1', `ip -6 route del blackhole ${LOCATOR}; ip -6 rule del pref 32763`);
    expect(await announcement()).toEqual([
      `fail no rule of pref 32763 for the own locator ${LOCATOR}`,
      `warn no route blackhole ${LOCATOR} in table 254`,
    ]);
    await network.shell('hv1', `ip -6 route add unreachable ${LOCATOR} proto static`);
    await network.apply('hv1');
    expect(await announcement()).toEqual([
      `ok rule pref 32764 to ${LOCATOR} blackhole`,
      `warn the route for ${LOCATOR} in table 254 is not segue's (protocol 4)`,
    ]);
    // Not ours to remove either.
    expect(
      (await network.instance('hv1').engine.diff(emptyPlan())).changes.some(({ kind }) => kind === 'announce'),
    ).toBe(false);
    await network.ip('hv1', `-6 route del unreachable ${LOCATOR} proto static`);
    await network.apply('hv1');
    expect(await announced(network)).toBe(true);
  });
});
