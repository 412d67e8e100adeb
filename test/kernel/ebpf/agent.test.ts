/** `dataplane: ebpf` under an agent, and its refusal where it cannot run. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { attachments } from '../../../src/ebpf/attachments.js';
import { plugVm, unplugVm } from '../../../lab/network.js';
import { unpin } from 'libbpf-ts';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { useNetwork } from '../../netns/lib/network.js';
import { differencesOf, QUIET, snapshot } from '../../netns/lib/snapshot.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;
const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));

describe('an agent', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), (made) => made.apply('hv2').then(() => undefined));
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
  const programIds = (): string[] => {
    const { kernel } = network.instance('hv1');
    kernel.links.refresh();
    return attachments(kernel).map(({ device, hook, program }) => `${device} ${hook} ${program.id}`);
  };

  afterEach(async () => {
    for (const run of runs.splice(0)) await run.stop();
  });

  it('programs a node, and the next agent changes nothing', async () => {
    await start().then((run) => run.stop());
    runs.splice(0);
    await reaches();
    const before = programIds();
    expect(before.map((line) => line.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      'eth0 tcx',
      't100-1 tcx',
      't200-3 tcx',
    ]);
    const run = await start();
    expect(run.lines.find(({ msg }) => msg === 'converged on the intent')).toMatchObject({
      create: 0,
      replace: 0,
      delete: 0,
    });
    expect(programIds()).toEqual(before);
    await reaches();
  });

  it('leaves a node that forwards and counts after the agent stopped', async () => {
    await start().then((run) => run.stop());
    runs.splice(0);
    const before = fastpathCounts(network, 'hv1');
    await reaches();
    expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(12);
  });

  it('configures an interface that appears, is replaced, or loses its program', { timeout: 120_000 }, async () => {
    const run = await start();
    const vm = network.vm('t100-1');
    unplugVm(network.topology, vm);
    await run.waitFor('waiting for interfaces', 0);
    const from = run.lines.length;
    plugVm(network.topology, vm);
    await run.repaired(() => network.diff('hv1'), from);
    await reaches();

    const { fastpath, links } = network.instance('hv1').kernel;
    links.refresh();
    unpin(fastpath.linkPath('tcx', links.indexOf('t100-1')));
    const again = run.lines.length;
    // Links tell nobody of their end: the sweep would see it, and so does whatever else happens to the interface.
    await network.ip('hv1', 'link set t100-1 mtu 1400');
    await run.repaired(() => network.diff('hv1'), again);
    expect(await network.ip('hv1', 'link show t100-1')).toContain('mtu 1460');
    await reaches();
  });

  it('resolves an underlay neighbour whose MAC address changed', async () => {
    const run = await start();
    await reaches();
    const from = run.lines.length;
    await network.ip('router', 'link set hv1 address 02:00:00:00:ee:01');
    await network.ip('hv1', '-6 neigh flush dev eth0');
    await run.waitFor('the underlay changed', from);
    await expect.poll(async () => (await network.ping('t100-1', '10.0.0.2')).received, { timeout: 60_000 }).toBe(1);
    await reaches();
  });
});

describe('a machine without a bpffs', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), () => Promise.resolve());

  /** With /sys/fs/bpf out of sight, for this command alone. */
  const segue = (args: string) =>
    network.run('router', [
      'unshare',
      '-m',
      'sh',
      '-c',
      `umount -l /sys/fs/bpf; exec "$0" ${SEGUE} ${args}`,
      process.execPath,
    ]);

  it('is refused with this cause, and nothing is changed', async () => {
    await network.shell('hv1', QUIET);
    const files = network.files();
    const node = files.nodes.get('hv1') ?? '';
    expect(readFileSync(node, 'utf8')).toContain('dataplane: ebpf');
    const before = await snapshot(network, 'hv1');
    for (const command of ['apply', 'diff', 'apply --dry-run']) {
      const { status, stderr } = await segue(`${command} -c ${node}`);
      expect(stderr).toMatch(
        /dataplane: ebpf: pin \S+: \S+ is not on a bpffs \(mount -t bpf bpf \/sys\/fs\/bpf\); nothing was changed/,
      );
      expect(status, command).toBe(1);
    }
    expect(differencesOf(before, await snapshot(network, 'hv1'))).toEqual({ gone: [], come: [] });
    const { status, stdout } = await segue(`doctor -c ${node}`);
    expect(stdout).toMatch(/fail {2}dataplane: ebpf is not possible: pin \S+: \S+ is not on a bpffs/);
    expect(stdout).not.toContain('VRF devices');
    expect(status).not.toBe(0);
    expect(join(files.directory, 'hv1.yaml')).toBe(node);
  });
});
