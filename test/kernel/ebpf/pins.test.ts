/**
 * Programs whose pins are gone, or hidden by another bpffs mounted over them: they still decide, so they are found by
 * their identity, replaced and removed. The test mounts a bpffs of its own, as the machine's is shared.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Agent } from '../../../src/agent/agent.js';
import { applyOnce, diffOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { Background, outputOf } from '../../../lab/process.js';
import { queryTcx, queryXdp } from 'libbpf-ts';
import { SEQFLOW } from '../../netns/lib/steering.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Intent } from '../../../src/intent/types.js';
import { scopeTo } from '../../../src/app/intent.js';

const PORT = 5600;
const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;

const jsonOf = ({ output }: Background): unknown => JSON.parse(output.slice(output.indexOf('{')));

describe.each(['never', 'always'] as const)('the pins of a node, xdp: %s', (xdp) => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH, xdp }), async (made) => {
    await made.apply('hv2');
    if (xdp === 'always') await made.shell('router', 'ethtool -K hv1 gro on; ethtool -K hv2 gro on');
  });
  let mount: string;
  let instance: Instance;
  let agent: Agent | undefined;

  const mountFresh = (): Promise<string> => outputOf(undefined, ['mount', '-t', 'bpf', 'bpf', mount]);
  const pins = (): string => join(mount, 'segue', 'hv1');
  /** A process that starts. */
  const open = (): void => {
    instance = new Instance(network.config('hv1'), undefined, pins());
  };
  const scoped = (intent: Intent = network.intent()): Intent => scopeTo(intent, network.netns('hv1'));
  const apply = async (intent?: Intent): Promise<void> => {
    const { failures } = await applyOnce(instance, scoped(intent));
    expect(failures.map(({ object, error }) => `${object}: ${error.message}`)).toEqual([]);
  };
  const diff = async (intent?: Intent): Promise<string[]> => {
    const { changes } = await diffOnce(instance, scoped(intent));
    return changes.map((change) => instance.engine.text(change)).map(({ action, object }) => `${action} ${object}`);
  };
  const where = (device: string) => ({ interface: device, netns: network.netns('hv1') });
  const linksOf = (device: string): number[] =>
    queryTcx({ ...where(device), direction: 'ingress' }).programs.map(({ linkId }) => linkId);
  const hooks = (): unknown => [
    ...['eth0', 't100-1', 't200-3'].map((device) => linksOf(device).length),
    queryXdp(where('eth0')) !== 0,
  ];
  const OURS = [1, 1, 1, xdp === 'always'];
  const NONE = [0, 0, 0, false];

  beforeEach(async () => {
    mount = mkdtempSync(join(tmpdir(), 'segue-bpffs-'));
    await mountFresh();
    open();
    await apply();
    expect(hooks()).toEqual(OURS);
  });

  afterEach(async () => {
    if (agent !== undefined) {
      await agent.stop();
      open();
    }
    agent = undefined;
    await purge(instance);
    instance.close();
    while (
      await outputOf(undefined, ['umount', mount]).then(
        () => true,
        () => false,
      )
    );
    rmSync(mount, { recursive: true });
    expect(hooks()).toEqual(NONE);
  });

  /** What the VM t100-2 sends to t100-1 while something happens: datagrams lost of those sent. */
  async function lostDuring(seconds: number, change: () => Promise<void>): Promise<number> {
    const receiver = new Background(network.netns('t100-1'), [SEQFLOW, 'receive', '-p', `${PORT}`]);
    await receiver.waitFor(/receiving/, 30_000);
    const send = ['send', '-a', '10.0.0.1', '-p', `${PORT}`, '-n', '4', '-r', '2000', '-t', `${seconds}`];
    const sender = new Background(network.netns('t100-2'), [SEQFLOW, ...send]);
    await change();
    await sender.wait();
    await receiver.stop('SIGTERM');
    const { sent } = jsonOf(sender) as { sent: number };
    const { received } = jsonOf(receiver) as { received: number };
    expect(sent).toBeGreaterThan(1000);
    return sent - received;
  }

  it('hidden by a new bpffs before a restart: apply replaces the programs without a gap', async () => {
    // The VM of t100-1 becomes one of tenant 200, which has the same addresses.
    const intent = network.intent();
    const moved: Intent = {
      ...intent,
      ports: intent.ports
        .filter(({ name }) => name !== 't200-3')
        .map((port) => (port.name === 't100-1' ? { ...port, tenant: 't200' } : port)),
    };
    const links = linksOf('eth0');
    instance.close();
    await mountFresh();
    open();
    expect(await diff()).toContain('replace fast path program port_tc tcx/ingress dev t100-1');
    expect(await diff()).toContain('replace fast path program uplink_tc tcx/ingress dev eth0');
    // What runs is what was there: the old tenant is reached.
    expect(await network.ping('t100-1', '10.0.0.2')).toMatchObject({ received: 1 });
    expect(await lostDuring(2, () => apply())).toBe(0);
    expect(await diff()).toEqual([]);
    // Taken over in their places, not attached beside what was there.
    expect(linksOf('eth0')).toEqual(links);
    expect(hooks()).toEqual(OURS);

    instance.close();
    await mountFresh();
    open();
    await apply(moved);
    expect(await diff(moved)).toEqual([]);
    expect(await network.ping('t100-1', '10.0.0.2', { timeoutS: 1 })).toMatchObject({ received: 0 });
    await network.apply('hv2', moved);
    expect(await network.ping('t100-1', '10.0.0.4')).toMatchObject({ received: 1 });
    expect(linksOf('t200-3')).toEqual([]);
    await network.apply('hv2');
  });

  it('hidden by a new bpffs before a purge: purge finds and removes the programs', async () => {
    instance.close();
    await mountFresh();
    open();
    expect((await purge(instance)).failures).toEqual([]);
    expect(hooks()).toEqual(NONE);
  });

  it('unmounted under an agent: it pins the same objects anew without losing a packet', async () => {
    instance.close();
    const files = network.files();
    const lines: { msg: string; level: number; object?: string }[] = [];
    agent = new Agent({
      config: network.config('hv1'),
      configFile: files.nodes.get('hv1') ?? '',
      log: pino({}, { write: (text: string) => lines.push(JSON.parse(text) as (typeof lines)[number]) }),
      sweepSeconds: 3600,
      force: false,
      pinDirectory: pins(),
    });
    await agent.start();
    await agent.idle();
    const listing = (): string[] => readdirSync(pins(), { recursive: true }).map(String).sort();
    const before = { listing: listing(), links: linksOf('eth0'), ports: linksOf('t100-1') };
    const lost = await lostDuring(6, async () => {
      await outputOf(undefined, ['umount', mount]);
      // While there is none, what runs goes on; the agent changes nothing.
      await new Promise((resolve) => setTimeout(resolve, 1200));
      const unmounted = performance.now();
      await mountFresh();
      await expect.poll(() => lines.some(({ msg }) => msg.includes('pinned again')), { timeout: 60_000 }).toBe(true);
      console.log(`pinned anew ${Math.round(performance.now() - unmounted)} ms after the bpffs was there`);
      await agent?.idle();
    });
    expect(lost).toBe(0);
    expect(listing()).toEqual(before.listing);
    expect([linksOf('eth0'), linksOf('t100-1')]).toEqual([before.links, before.ports]);
    expect(lines.filter(({ msg }) => msg === 'drift')).toEqual([]);

    // And with another mounted over it.
    expect(
      await lostDuring(4, async () => {
        const from = lines.length;
        await mountFresh();
        await expect
          .poll(() => lines.slice(from).some(({ msg }) => msg.includes('pinned again')), { timeout: 60_000 })
          .toBe(true);
        await agent?.idle();
      }),
    ).toBe(0);
    expect(listing()).toEqual(before.listing);
    await agent.stop();
    agent = undefined;
    open();
    expect(await diff()).toEqual([]);
  });
});

describe('a program of segue that somebody attached without a link', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH, xdp: 'always' }));

  it('makes purge fail with its name', async () => {
    const { kernel } = network.instance('hv1');
    const file = readdirSync(`${kernel.fastpath.pinDirectory}/programs`).find((name) => name.startsWith('uplink_xdp'));
    const copy = `/sys/fs/bpf/segue-test-${process.pid}`;
    mkdirSync(copy);
    try {
      const path = `${copy}/program`;
      const { BpfProgram } = await import('libbpf-ts');
      const program = BpfProgram.openPinned(`${kernel.fastpath.pinDirectory}/programs/${file ?? ''}`);
      program.pin(path);
      program.close();
      await network.shell('hv1', 'ip link add other type veth peer name rehto');
      await network.ip('hv1', `link set dev other xdp pinned ${path}`);
      const where = { interface: 'other', netns: network.netns('hv1') };
      expect(queryXdp(where)).not.toBe(0);
      const report = await purge(network.instance('hv1'));
      expect(report.failures.map(({ error }) => error.message)).toEqual([
        "xdp of other has a program of segue's that was attached without a link: detach it (ip link set dev other xdp off)",
      ]);
      await network.ip('hv1', 'link set dev other xdp off');
      expect((await network.purge('hv1')).failures).toEqual([]);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});
