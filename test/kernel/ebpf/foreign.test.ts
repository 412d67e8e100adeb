/** Somebody else's programs and neighbours: they run before or after segue's, and survive apply, repair and purge. */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { applyOnce } from '../../../src/agent/apply.js';
import { bpfProgramResource } from '../../../src/ebpf/program-resource.js';
import { attachTcx, attachXdp, type BpfLink, type BpfObject, queryTcx, queryXdp, unpin } from 'libbpf-ts';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { load, u32 } from '../libbpf/harness.js';
import type { TestNetwork } from '../../netns/lib/network.js';
import { scopeTo } from '../../../src/app/intent.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;

const seen = (object: BpfObject): number => Number(object.map('seen').lookup(u32(0))?.readBigUInt64LE(0) ?? 0n);

const tcxIds = (network: TestNetwork, device: string): number[] =>
  queryTcx({ interface: device, netns: network.netns('hv1'), direction: 'ingress' }).programs.map(
    (one) => one.programId,
  );

/** Until the test ends. */
function hold(link: BpfLink): void {
  onTestFinished(() => {
    link.close();
  });
}

const works = async (network: TestNetwork): Promise<void> => {
  for (const to of ['10.0.0.2', 'cafe::2']) {
    expect(await network.ping('t100-1', to, { count: 2 })).toMatchObject({ received: 2 });
  }
};

describe.each(['t100-1', 'eth0'])('tcx of %s', (device) => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), () => Promise.resolve());

  it('programs attached before and after segue’s see packets and stay attached', async () => {
    const where = { interface: device, netns: network.netns('hv1'), direction: 'ingress' } as const;
    const [before, first, last] = [load('test/foreign'), load('test/foreign'), load('test/foreign')];
    const idOf = (object: BpfObject): number => object.program('foreign_tcx').info().id;
    hold(attachTcx(before.program('foreign_tcx'), where));
    await network.applyAll();
    const [, ours] = tcxIds(network, device);
    hold(attachTcx(first.program('foreign_tcx'), { ...where, position: 'first' }));
    hold(attachTcx(last.program('foreign_tcx'), { ...where, position: 'last' }));
    const all = [idOf(first), idOf(before), ours, idOf(last)];
    expect(tcxIds(network, device)).toEqual(all);
    expect(await network.diff('hv1')).toEqual([]);
    const counts = (): number[] => [before, first, last].map(seen);

    const start = counts();
    await works(network);
    const middle = counts();
    // The one behind sees what segue leaves: nothing of a tenant.
    expect(middle[0]).toBeGreaterThanOrEqual((start[0] ?? 0) + 4);
    expect(middle[1]).toBeGreaterThanOrEqual((start[1] ?? 0) + 4);

    // Drift: segue's own link is gone, and comes back at the end of the row.
    const { fastpath, links } = network.instance('hv1').kernel;
    unpin(fastpath.linkPath('tcx', links.indexOf(device)));
    // The kernel detaches a link in a work queue, after its last reference is gone (kernel/bpf/syscall.c, bpf_link_put).
    await expect.poll(() => tcxIds(network, device), { timeout: 60_000 }).not.toContain(ours);
    expect((await network.diff('hv1')).map(({ action, kind }) => `${action} ${kind}`)).toEqual(['create bpf-program']);
    await network.apply('hv1');
    expect(
      tcxIds(network, device)
        .filter((id) => id !== ours)
        .slice(0, 3),
    ).toEqual([idOf(first), idOf(before), idOf(last)]);
    await works(network);

    await network.purge('hv1');
    expect(tcxIds(network, device)).toEqual([idOf(first), idOf(before), idOf(last)]);
    const after = counts();
    await network.ping('t100-1', '10.0.0.2', { count: 2, timeoutS: 1 });
    await network.ping('hv1', 'fd00:ffff:1::1', { count: 2 });
    expect(counts().every((count, index) => count > (after[index] ?? 0))).toBe(true);
  });
});

describe('filters of tc (clsact)', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), () => Promise.resolve());

  it('stay attached, and see the packets that segue leaves', async () => {
    const foreign = load('test/foreign');
    const pin = join('/sys/fs/bpf', `segue-test-${process.pid}`);
    foreign.program('foreign_tcx').pin(pin);
    try {
      await network.shell('hv1', `tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress bpf da pinned ${pin}`);
    } finally {
      rmSync(pin);
    }
    const filters = (): Promise<string> => network.shell('hv1', 'tc filter show dev eth0 ingress');
    const before = await filters();
    expect(before).toContain('direct-action');
    await network.applyAll();
    const start = seen(foreign);
    await works(network);
    expect(await network.ping('hv1', 'fd00:ffff:1::1', { count: 2 })).toMatchObject({ received: 2 });
    expect(seen(foreign)).toBeGreaterThan(start);
    await network.purge('hv1');
    expect(await filters()).toBe(before);
  });
});

describe('XDP of an uplink', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH, xdp: 'always' }), () => Promise.resolve());
  const where = () => ({ interface: 'eth0', netns: network.netns('hv1') });

  it('stays with somebody else’s program: the error names it, and tcx forwards', async () => {
    const foreign = load('test/foreign');
    const program = foreign.program('foreign_xdp');
    const { id } = program.info();
    const link = attachXdp(program, where());
    try {
      await network.apply('hv2');
      const instance = network.instance('hv1');
      const intent = scopeTo(network.intent(), instance.config.node);
      const { failures } = await applyOnce(instance, intent);
      expect(failures.map(({ object, error }) => `${object}: ${error.message}`)).toEqual([
        `fast path program uplink_xdp xdp dev eth0: xdp of eth0: program id ${id} is not segue's: expected ` +
          'no program (tcx forwards meanwhile; "xdp: never" in the node file leaves the hook to that program)',
      ]);
      await works(network);
      expect(queryXdp(where())).toBe(id);
      expect(seen(foreign)).toBeGreaterThan(0);
      // Where XDP is a gain that may be done without, it is no failure; nor is it drift.
      const desired = { device: 'eth0', hook: 'xdp', program: 'uplink_xdp', alone: true, optional: true } as const;
      expect(await bpfProgramResource.apply(instance.kernel, [{ key: 'eth0 xdp', desired }])).toEqual([]);
      instance.kernel.links.refresh();
      const found = await bpfProgramResource.list(instance.kernel, new Map([['eth0 xdp', desired]]));
      expect(found.get('eth0 xdp', desired)).toBe(desired);
      expect(queryXdp(where())).toBe(id);
    } finally {
      link.detach();
      link.close();
    }
    // It has gone: the next look takes the hook.
    await network.apply('hv1');
    expect(queryXdp(where())).not.toBe(0);
    await works(network);
    // And somebody who replaces nothing, but comes later, is refused by the kernel.
    expect(() => attachXdp(foreign.program('foreign_xdp'), where())).toThrow(/EBUSY|EEXIST/);
    await network.purge('hv1');
    expect(queryXdp(where())).toBe(0);
  });
});

describe('a static neighbour of the underlay', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), () => Promise.resolve());

  it('is used and stays unchanged', async () => {
    const gateway = 'fd00:ffff:1::1';
    const shown = (): Promise<string> => network.ip('hv1', `neighbour show ${gateway} dev eth0`);
    await network.shell('hv1', `ping -c 1 -W 5 ${gateway} >/dev/null`);
    const mac = /lladdr (\S+)/.exec(await shown())?.[1] ?? '';
    await network.ip('hv1', `neighbour replace ${gateway} dev eth0 lladdr ${mac} nud permanent`);
    const before = await shown();
    expect(before).toMatch(/PERMANENT/);
    await network.applyAll();
    await works(network);
    expect(await network.diff('hv1')).toEqual([]);
    expect(await shown()).toBe(before);
    await network.purge('hv1');
    expect(await shown()).toBe(before);
  });
});
