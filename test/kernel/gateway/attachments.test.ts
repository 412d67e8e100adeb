/** Hooks of a network node's programs, beside a hypervisor's and somebody else's. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attachTcx, queryTcx, queryXdp, unpin } from 'libbpf-ts';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { load } from '../libbpf/harness.js';
import type { BpfProgramName } from '../../../src/ebpf/objects.js';
import type { Intent, XdpMode } from '../../../src/intent/types.js';
import type { TestNetwork } from '../../netns/lib/network.js';

/** hv1 hosts VMs of t100 and t200, and is their network node. */
const topologyWith = (xdp: XdpMode): ReturnType<typeof selftestTopology> =>
  selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' }, xdp });

function withGateway(network: TestNetwork): Intent {
  return {
    ...network.intent(),
    gateways: [{ name: 'gw', nodes: [network.netns('hv1')], tenants: ['t100'] }],
    externals: [{ name: 'dc', gateway: 'gw', interface: 'ext0', prefixes: ['192.0.2.0/24'] }],
    policies: [
      {
        ...{ name: 'out', from: { tenant: 't100' }, to: { external: 'dc' }, protocol: 'any', action: 'allow' },
        priority: 1000,
      },
    ],
  };
}

/** @param gateways as it is while the node's tenants have one */
const programId = (network: TestNetwork, name: BpfProgramName, gateways = true): number | undefined =>
  network.instance('hv1').kernel.fastpath.program(name, { alone: true, gateways })?.info().id;

const tcxIds = (network: TestNetwork, device: string): number[] =>
  queryTcx({ interface: device, netns: network.netns('hv1'), direction: 'ingress' }).programs.map(
    (one) => one.programId,
  );

const drift = async (network: TestNetwork): Promise<string[]> =>
  (await network.diff('hv1', withGateway(network))).map(({ action, kind }) => `${action} ${kind}`);

async function works(network: TestNetwork): Promise<void> {
  for (const to of ['10.0.0.2', 'cafe::2']) expect(await network.ping('t100-1', to)).toMatchObject({ received: 1 });
  for (const to of ['10.0.0.1', 'cafe::1']) expect(await network.ping('t100-2', to)).toMatchObject({ received: 1 });
}

describe('tcx of an uplink', () => {
  const network = useNetwork(topologyWith('never'), (made) => made.apply('hv2').then(() => undefined));

  it("runs the network node's program before the hypervisor's, and leaves others' in order", async () => {
    const where = { interface: 'eth0', netns: network.netns('hv1'), direction: 'ingress' } as const;
    const [before, last] = [load('test/foreign').program('foreign_tcx'), load('test/foreign').program('foreign_tcx')];
    const links = [attachTcx(before, where)];
    onTestFinished(() => {
      for (const link of links) link.close();
    });
    await network.apply('hv1', withGateway(network));
    links.push(attachTcx(last, { ...where, position: 'last' }));
    const [steer, uplink] = [programId(network, 'nn_uplink_tc'), programId(network, 'uplink_tc')];
    const all = [before.info().id, steer, uplink, last.info().id];
    expect(tcxIds(network, 'eth0')).toEqual(all);
    expect(await drift(network)).toEqual([]);
    await works(network);

    const { kernel } = network.instance('hv1');
    unpin(kernel.fastpath.linkPath('tcx-first', kernel.links.indexOf('eth0')));
    // The kernel detaches a link in a work queue, after its last reference is gone (kernel/bpf/syscall.c, bpf_link_put).
    await expect
      .poll(() => tcxIds(network, 'eth0'), { timeout: 60_000 })
      .toEqual([before.info().id, uplink, last.info().id]);
    expect(await drift(network)).toEqual(['create bpf-program']);
    await network.apply('hv1', withGateway(network));
    expect(tcxIds(network, 'eth0')).toEqual(all);
    await works(network);
  });

  it('loses the program when the node stops being a network node', async () => {
    await network.apply('hv1', withGateway(network));
    await network.apply('hv1', network.intent());
    expect(tcxIds(network, 'eth0')).toEqual([programId(network, 'uplink_tc', false)]);
    expect(await network.diff('hv1')).toEqual([]);
    await works(network);
  });
});

describe('XDP of an uplink', () => {
  const network = useNetwork(topologyWith('always'), (made) => made.apply('hv2').then(() => undefined));
  const attached = (): number => queryXdp({ interface: 'eth0', netns: network.netns('hv1') });

  it("continues with the hypervisor's program", async () => {
    await network.apply('hv1', network.intent());
    expect(attached()).toBe(programId(network, 'uplink_xdp', false));
    await network.apply('hv1', withGateway(network));
    expect(attached()).toBe(programId(network, 'nn_uplink_xdp'));
    const { steering } = network.instance('hv1').kernel.fastpath;
    expect(steering.uplinkProgram).toBe(programId(network, 'uplink_xdp'));
    expect(await drift(network)).toEqual([]);
    await works(network);

    steering.setUplinkProgram(undefined);
    expect(await drift(network)).toEqual(['replace bpf-program']);
    await network.apply('hv1', withGateway(network));
    expect(steering.uplinkProgram).toBe(programId(network, 'uplink_xdp'));
    await network.apply('hv1', network.intent());
    expect(attached()).toBe(programId(network, 'uplink_xdp', false));
  });
});

describe('an external network', () => {
  const network = useNetwork(topologyWith('never'), () => Promise.resolve());

  it('waits for its interface, and follows the interface’s address', async () => {
    const intent = withGateway(network);
    const { waiting } = await network.apply('hv1', intent);
    expect([...new Set(waiting.map(({ device }) => device))]).toContain('ext0');
    await network.ip('hv1', 'link add ext0 type veth peer name ext1');
    network.instance('hv1').kernel.links.refresh();
    await network.apply('hv1', intent);
    expect(tcxIds(network, 'ext0')).toEqual([programId(network, 'nn_external_tc')]);
    expect(await drift(network)).toEqual([]);
    const icmpSources = (): number =>
      [...(network.instance('hv1').kernel.fastpath.steering.maps?.sg_icmp_src_lpm.keys() ?? [])].length;
    const before = icmpSources();
    await network.ip('hv1', 'addr add 192.0.2.1/24 dev ext0');
    expect((await drift(network)).sort()).toEqual(['create bpf-prefix', 'create nn-icmp-source']);
    await network.apply('hv1', intent);
    expect(icmpSources()).toBe(before + 1);
    await network.ip('hv1', 'addr flush dev ext0');
    expect((await drift(network)).sort()).toEqual(['delete bpf-prefix', 'replace nn-icmp-source']);
    await network.apply('hv1', intent);
    expect([icmpSources(), await drift(network)]).toEqual([before, []]);
    await network.ip('hv1', 'link del ext0');
    network.instance('hv1').kernel.links.refresh();
    await network.apply('hv1', intent);
    expect(await drift(network)).toEqual([]);
  });

  it('is planned anew by the agent when its interface gets an address', async () => {
    await network.ip('hv1', 'link add ext0 type veth peer name ext1');
    const path = join(network.directory, 'with-gateway.json');
    writeFileSync(path, JSON.stringify(withGateway(network)));
    const run = await AgentRun.startWith({ ...network.config('hv1'), intent: path }, 'none');
    onTestFinished(() => run.stop());
    const from = run.lines.length;
    await network.ip('hv1', 'addr add 192.0.2.1/24 dev ext0');
    await run.waitFor('the machine changed: planned again', from);
    await run.agent.idle();
    expect(await drift(network)).toEqual([]);
  });
});
