import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { pinDirectory } from '../../src/agent/instance.js';
import { underlayPaths } from '../../src/observe/inspect/fastpath.js';
import { attachments } from '../../src/ebpf/attachments.js';
import type { UnderlayPath } from '../../src/observe/inspect/fastpath.js';
import { plugVm, unplugVm } from '../../lab/network.js';
import { find, ROUTER } from '../../lab/topology.js';
import { objectPath, PROGRAM_NAMES } from '../../src/ebpf/programs.js';
import { generationOf } from '../../src/ebpf/generation.js';
import { attachTcx, BpfMap, BpfObject } from 'libbpf-ts';
import { AgentRun } from './lib/agent-run.js';
import { fastpathCounts, since } from './lib/fastpath.js';
import { becomeOldBuild, OLD_LAYOUT } from './lib/old-build.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';

/** `t100-1 tcx` of `t100-1 tcx 17` */
const hookOf = (line: string): string => line.slice(0, line.lastIndexOf(' '));

function sumOf(map: BpfMap, index: number): number {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  const value = map.lookup(key) ?? Buffer.alloc(map.valueSize);
  return map.cpuValues(value).reduce((total, bytes) => total + Number(bytes.readBigUInt64LE(0)), 0);
}

/** How long the agent may take to see what changed, milliseconds; emulated. */
const FOLLOW_MS = 300_000;

async function until(what: string, holds: () => boolean): Promise<number> {
  const started = performance.now();
  while (!holds()) {
    if (performance.now() - started > FOLLOW_MS) throw new Error(`${what}: not after ${FOLLOW_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return performance.now() - started;
}

/** Programs that others call: pinned as these are, attached nowhere. */
const CALLED = ['dhcp4_tc', 'dhcp6_tc'];

describe('an agent with a fast path', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'hybrid', hv2: 'hybrid' } }), async (built) => {
    await built.apply('hv2');
  });
  const runs: AgentRun[] = [];
  const start = async (): Promise<AgentRun> => {
    const run = await AgentRun.start(network, 'hv1');
    runs.push(run);
    return run;
  };
  const reaches = async (): Promise<void> => {
    for (const address of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', address, { count: 3 }), address).toMatchObject({ sent: 3, received: 3 });
    }
  };
  const kernel = () => network.instance('hv1').kernel;
  const currentWays = (): UnderlayPath[] => {
    kernel().links.refresh();
    return underlayPaths(kernel());
  };
  const resolved = (): boolean => currentWays().length > 0 && currentWays().every(({ hops }) => hops.length > 0);
  const programs = (): string[] => {
    kernel().links.refresh();
    return attachments(kernel()).map(({ device, hook, program }) => `${device} ${hook} ${program.id}`);
  };
  afterEach(async () => {
    for (const run of runs.splice(0)) await run.stop();
  });

  it('resolves underlay neighbours without traffic, and forwards past the kernel', async () => {
    const run = await start();
    expect(run.lines.filter(({ level }) => level >= 40)).toEqual([]);
    await until('resolved', resolved);
    expect(currentWays()).toMatchObject([{ to: 'fd00:5e:2::/48', hops: [{ device: 'eth0', mtu: 1500 }] }]);
    const before = fastpathCounts(network, 'hv1');
    await reaches();
    const { reasons, slow } = since(before, fastpathCounts(network, 'hv1'));
    expect(reasons['forward forwarded']).toBe(12);
    expect(slow).toBe(0);
  });

  it('hands programs, maps and counters over to the next agent without loss', async () => {
    const first = await start();
    await until('resolved', resolved);
    const before = { programs: programs(), counts: fastpathCounts(network, 'hv1') };
    const pinging = network.ping('t100-1', '10.0.0.2', { count: 400, args: ['-i', '0.02'] });
    await first.stop();
    runs.length = 0;
    const second = await start();
    expect(await pinging).toMatchObject({ sent: 400, received: 400 });
    expect(second.lines.find(({ msg }) => msg === 'converged on the intent')).toMatchObject({
      create: 0,
      replace: 0,
      delete: 0,
    });
    expect(programs()).toEqual(before.programs);
    const { reasons, slow } = since(before.counts, fastpathCounts(network, 'hv1'));
    expect(reasons['forward forwarded']).toBe(800);
    expect(slow).toBe(0);
  });

  it('replaces changed programs without losing a packet', async () => {
    const first = await start();
    await until('resolved', resolved);
    const before = { programs: programs(), counts: fastpathCounts(network, 'hv1') };
    const pinging = network.ping('t100-1', 'cafe::2', { count: 400, args: ['-i', '0.02'] });
    await first.stop();
    runs.length = 0;
    // Another build: what follows the sections of an ELF file is nobody's, and makes it another file.
    const directory = join(network.directory, 'objects');
    mkdirSync(directory);
    for (const name of PROGRAM_NAMES) {
      writeFileSync(
        join(directory, `${name}.o`),
        Buffer.concat([readFileSync(objectPath(name)), Buffer.from('other')]),
      );
    }
    process.env.SEGUE_BPF_OBJECTS = directory;
    try {
      const second = await start();
      expect(await pinging).toMatchObject({ sent: 400, received: 400 });
      expect(second.lines.find(({ msg }) => msg === 'converged on the intent')).toMatchObject({
        create: 0,
        replace: before.programs.length + CALLED.length,
        delete: 0,
      });
      const after = programs();
      expect(after.map(hookOf)).toEqual(before.programs.map(hookOf));
      expect(after.filter((line) => before.programs.includes(line))).toEqual([]);
      expect(readdirSync(`${pinDirectory(network.netns('hv1'))}/programs`)).toHaveLength(2 + CALLED.length);
      const { reasons, slow } = since(before.counts, fastpathCounts(network, 'hv1'));
      expect(reasons['forward forwarded']).toBe(800);
      expect(slow).toBe(0);
    } finally {
      delete process.env.SEGUE_BPF_OBJECTS;
    }
  });

  it('migrates counters to maps of another layout without losing a packet', async () => {
    const first = await start();
    await until('resolved', resolved);
    // Something for each kind of counter.
    expect(await network.ping('t100-1', '10.0.0.254')).toMatchObject({ received: 1 });
    // Nobody of the tenant's has it: the gateway is asked, and has no way.
    expect(await network.ping('t100-1', '203.0.113.1')).toMatchObject({ received: 0 });
    await reaches();
    await first.stop();
    runs.length = 0;
    const { runDirectory } = network.instance('hv1');
    becomeOldBuild(kernel().fastpath, runDirectory, join(network.directory, 'old'));
    const pins = pinDirectory(network.netns('hv1'));
    const old = BpfMap.openPinned(`${pins}/maps_${generationOf(OLD_LAYOUT)}/sg_verdicts`);
    const oldCount = (name: string): number => sumOf(old, OLD_LAYOUT.reasons[name] ?? 0);
    const forwarded = oldCount('REASON_FORWARDED');
    await reaches();
    expect(oldCount('REASON_FORWARDED')).toBe(forwarded + 12);
    const noMember = oldCount('PUNT_NO_MEMBER');
    expect(noMember).toBeGreaterThan(0);

    const pinging = network.ping('t100-1', 'cafe::2', { count: 400, args: ['-i', '0.02'] });
    const second = await start();
    expect(second.lines.filter(({ level }) => level >= 40)).toEqual([]);
    expect(await pinging).toMatchObject({ sent: 400, received: 400 });
    expect(existsSync(`${pins}/maps_${generationOf(OLD_LAYOUT)}`)).toBe(false);
    const { reasons } = fastpathCounts(network, 'hv1');
    // What the old programs counted between the copy and the swap is not carried: part of the 800 packets meanwhile.
    expect(reasons['forward forwarded']).toBeGreaterThan(forwarded + 12 + 400);
    expect(reasons['punt no member']).toBe(noMember);
    const before = fastpathCounts(network, 'hv1');
    await reaches();
    expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(12);
    expect(await network.diff('hv1')).toEqual([]);
    old.close();
  });

  it('removes the fast path and attaches it again as the node file says', async () => {
    const run = await start();
    const file = join(network.directory, 'hv1.yaml');
    const text = readFileSync(file, 'utf8');
    try {
      writeFileSync(file, text.replace('dataplane: hybrid', 'dataplane: kernel'));
      run.agent.reload();
      await run.agent.idle();
      // What answers neighbour solicitations in kernel mode, and nothing that forwards.
      const left = attachments(network.instance('hv1').kernel).map(({ program }) => program.name);
      expect(new Set(left)).toEqual(new Set(['segue_responder']));
      await reaches();
    } finally {
      writeFileSync(file, text);
    }
    run.agent.reload();
    await run.agent.idle();
    await until('resolved', resolved);
    const before = fastpathCounts(network, 'hv1');
    await reaches();
    expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(12);
  });

  it('spreads flows over two uplinks, and uses the other when one fails', async () => {
    // A second link to the router, as good as the first.
    await network.ip('hv1', `link add eth1 type veth peer name hv1b netns ${network.netns(ROUTER)}`);
    await network.shell('hv1', 'sysctl -qw net.ipv6.conf.eth1.accept_dad=0; ip link set eth1 up');
    await network.shell(ROUTER, 'sysctl -qw net.ipv6.conf.hv1b.accept_dad=0; ip link set hv1b up');
    await network.ip('hv1', 'address add fd00:fffe::2/64 dev eth1 nodad');
    await network.ip(ROUTER, 'address add fd00:fffe::1/64 dev hv1b nodad');
    await network.ip(
      'hv1',
      'route replace default nexthop via fd00:ffff:1::1 dev eth0 nexthop via fd00:fffe::1 dev eth1',
    );
    const run = await AgentRun.startWith({ ...network.config('hv1'), uplinks: ['eth0', 'eth1'] }, '');
    runs.push(run);
    const devices = (): string =>
      currentWays()[0]
        ?.hops.map(({ device }) => device)
        .sort()
        .join(' ') ?? '';
    await until('both', () => devices() === 'eth0 eth1');
    await reaches();
    const sent = async (device: string): Promise<number> => {
      const [link] = JSON.parse(await network.ip('hv1', `-j -s link show ${device}`)) as {
        stats64: { tx: { packets: number } };
      }[];
      return link?.stats64.tx.packets ?? 0;
    };
    const before = [await sent('eth0'), await sent('eth1')];
    await network.shell('t100-1', 'for port in $(seq 4000 4063); do echo x >/dev/udp/10.0.0.2/$port; done');
    const after = [await sent('eth0'), await sent('eth1')];
    for (const index of [0, 1]) expect((after[index] ?? 0) - (before[index] ?? 0)).toBeGreaterThan(8);

    await network.ip(ROUTER, 'link set hv1b down');
    const failedMs = await until('one left', () => devices() === 'eth0');
    process.stdout.write(`an uplink without carrier left the ways after ${failedMs.toFixed(0)} ms (emulated)\n`);
    await reaches();
    await network.ip(ROUTER, 'link set hv1b up');
    await network.ip(ROUTER, 'address replace fd00:fffe::1/64 dev hv1b nodad');
    await until('both again', () => devices() === 'eth0 eth1');
    await network.ip('hv1', 'link delete eth1');
    await network.ip('hv1', 'route replace default via fd00:ffff:1::1 dev eth0');
    await until('one left', () => devices() === 'eth0');
  });

  it("follows the uplink's state and the router's MAC address", async () => {
    await start();
    await until('resolved', resolved);
    const before = currentWays();
    const isBefore = (): boolean => isDeepStrictEqual(currentWays(), before);
    await network.ip('hv1', 'link set eth0 down');
    await until('unresolved', () => currentWays().every(({ hops }) => hops.length === 0));
    await network.ip('hv1', 'link set eth0 up');
    // The kernel takes static addresses and routes of IPv6 along.
    await network.ip('hv1', 'address replace fd00:ffff:1::2/64 dev eth0 nodad');
    await network.ip('hv1', 'route replace default via fd00:ffff:1::1 dev eth0');
    await until('resolved again', isBefore);

    await network.ip('hv1', 'neighbour replace fd00:ffff:1::1 dev eth0 lladdr 02:00:00:00:00:99 nud reachable');
    await until('the new address', () => currentWays()[0]?.hops[0]?.lladdr === '02:00:00:00:00:99');
    await network.ip('hv1', 'neighbour flush dev eth0');
    await until('resolved anew', isBefore);
    await reaches();
  });

  it('follows an interface that disappears and comes back', async () => {
    const run = await start();
    const vm = find(network.topology.vms, 't100-1');
    for (let time = 0; time < 2; time++) {
      unplugVm(network.topology, vm);
      await until('detached', () => !programs().some((line) => line.startsWith('t100-1 ')));
      await run.agent.idle();
      plugVm(network.topology, vm);
      await until('attached', () => programs().some((line) => line.startsWith('t100-1 ')));
      await run.agent.idle();
      const before = fastpathCounts(network, 'hv1');
      await reaches();
      expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(12);
    }
    expect(await network.diff('hv1')).toEqual([]);
  });

  it("leaves somebody else's program attached", async () => {
    const object = BpfObject.load('build/bpf/test/maps.o');
    const { links } = kernel();
    links.refresh();
    const where = { interface: links.indexOf('eth0'), netns: network.netns('hv1'), direction: 'ingress' } as const;
    const foreign = attachTcx(object.program('tc_count'), { ...where, position: 'first' });
    try {
      const run = await start();
      await reaches();
      const before = fastpathCounts(network, 'hv1');
      await reaches();
      expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(12);
      await run.stop();
      runs.length = 0;
      await network.purge('hv1');
      expect(foreign.info().ifindex).toBe(where.interface);
    } finally {
      foreign.close();
      object.close();
    }
  });

  it('leaves nothing after a purge', async () => {
    const run = await start();
    await run.stop();
    runs.length = 0;
    expect(readdirSync(`${pinDirectory(network.netns('hv1'))}/links`).length).toBe(3);
    await network.purge('hv1');
    expect(existsSync(pinDirectory(network.netns('hv1')))).toBe(false);
    expect(await network.ip('hv1', 'neighbour show dev eth0')).not.toContain('managed');
    const filters = await network.output('hv1', ['bash', '-c', 'bpftool net show dev eth0 2>&1 || true']);
    expect(filters).not.toContain('segue');
  });
});
