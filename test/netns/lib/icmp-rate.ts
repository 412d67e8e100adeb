/** The bound of what a gateway answers a VM with, with a VM's kernel that asks for more: the same in every mode. */
import { describe, expect, it } from 'vitest';
import { dropped } from './guard.js';
import { fastpathCounts, since } from './fastpath.js';
import { useNetwork } from './network.js';
import { selftestTopology } from './topologies.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { portRecords } from '../../../src/cli/show/port.js';
import type { Dataplane, Intent } from '../../../src/intent/types.js';
import type { TestNetwork } from './network.js';
import { scopeTo } from '../../../src/app/intent.js';

const RATE = 2;
const COUNT = 40;
const FAMILIES = [
  ['IPv4', '10.0.0.254', '10.0.0.2', '192.0.2.7'],
  ['IPv6', 'cafe::254', 'cafe::2', '2001:db8::7'],
] as const;

/** The test's intent, with a bound for one VM. */
function bounded(network: TestNetwork, icmpRate?: number): Intent {
  const intent = network.intent();
  const ports = intent.ports.map((port) =>
    port.name === 't100-1' && icmpRate !== undefined ? { ...port, icmpRate } : port,
  );
  return { ...intent, ports };
}

/** What a VM's ping says, and how long it took by its own clock. */
async function flood(network: TestNetwork, vm: string, to: string, args: readonly string[] = []) {
  const family = to.includes(':') ? '-6' : '-4';
  const { stdout } = await network.run(vm, [
    'ping',
    family,
    '-n',
    '-c',
    `${COUNT}`,
    '-i',
    '0.01',
    '-W',
    '1',
    ...args,
    to,
  ]);
  const [, sent = '', received = ''] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  const seconds = Number(/time (\d+)ms/.exec(stdout)?.[1] ?? 0) / 1000;
  return {
    sent: Number(sent),
    received: Number(received),
    errors: [...stdout.matchAll(/ime to live exceeded|Hop limit|nreachable/g)].length,
    seconds,
  };
}

/** What was dropped beyond the bound, whoever counted it. */
async function droppedBeyond(network: TestNetwork, mode: Dataplane, before?: { program: number; kernel: number }) {
  const program = mode === 'kernel' ? 0 : (fastpathCounts(network, 'hv1').reasons['drop icmp rate'] ?? 0);
  const kernel = mode === 'ebpf' ? 0 : ((await dropped(network, 'hv1'))['icmp-rate'] ?? 0);
  return { program: program - (before?.program ?? 0), kernel: kernel - (before?.kernel ?? 0) };
}

/** The tests of one mode. */
export function describeIcmpRate(mode: Dataplane): void {
  describe(`icmpRate, ${mode}`, () => {
    const network = useNetwork(selftestTopology({ dataplane: { hv1: mode, hv2: mode } }), async (built) => {
      await built.apply('hv1', bounded(built, RATE));
      await built.apply('hv2');
    });

    it.each(FAMILIES)(
      '%s: the gateway is silent beyond the rate, and suppressed replies are counted',
      async (_family, gateway) => {
        await network.ping('t100-1', gateway, { count: 1 });
        const before = await droppedBeyond(network, mode);
        const { sent, received, seconds } = await flood(network, 't100-1', gateway);
        expect(sent).toBe(COUNT);
        // The bucket holds a second's, and fills meanwhile.
        expect(received).toBeLessThanOrEqual(RATE + Math.ceil(RATE * (seconds + 1)));
        expect(received).toBeLessThan(sent);
        const { program, kernel } = await droppedBeyond(network, mode, before);
        expect(program + kernel).toBe(sent - received);
        expect(mode === 'kernel' ? program : kernel).toBe(0);
      },
    );

    // The kernel has a limit of its own for errors (icmp_ratelimit), more than the port's share at first. It takes no hop off what it encapsulates,
    // so that of a hop limit the far node tells: here of an address that the tenant has no route to.
    it.each(FAMILIES)('%s: echo replies and errors share one rate', async (_family, gateway, to, beyond) => {
      const before = await droppedBeyond(network, mode);
      const [echo, late] = await Promise.all([
        flood(network, 't100-1', gateway),
        mode === 'kernel' ? flood(network, 't100-1', beyond) : flood(network, 't100-1', to, ['-t', '1']),
      ]);
      const seconds = Math.max(echo.seconds, late.seconds);
      expect(echo.received + late.errors).toBeLessThanOrEqual(RATE + Math.ceil(RATE * (seconds + 1)));
      const { program, kernel } = await droppedBeyond(network, mode, before);
      expect(program + kernel).toBeGreaterThan(echo.sent - echo.received);
    });

    it.each(FAMILIES)(
      '%s: neighbour resolution, other VMs and forwarded packets are not limited',
      async (_family, gateway, to) => {
        await flood(network, 't100-1', gateway);
        await network.ip('t100-1', 'neigh flush all');
        const before = await droppedBeyond(network, mode);
        expect(await flood(network, 't100-1', to)).toMatchObject({ sent: COUNT, received: COUNT });
        expect(await flood(network, 't200-3', gateway)).toMatchObject({ sent: COUNT, received: COUNT });
        expect(await droppedBeyond(network, mode, before)).toEqual({ program: 0, kernel: 0 });
      },
    );

    it('is shown, and doctor warns of suppressed replies', async () => {
      const instance = network.instance('hv1');
      const intent = scopeTo(bounded(network, RATE), instance.config.node);
      const records = portRecords(showContext(instance, intent));
      expect(records.map(({ name, icmpRate }) => [name, icmpRate])).toEqual([
        ['t100-1', RATE],
        ['t200-3', null],
      ]);
      const [first] = records;
      if (mode === 'kernel') expect(first?.icmpRateDropped).toBeNull();
      else expect(first?.icmpRateDropped).toBe(fastpathCounts(network, 'hv1').reasons['drop icmp rate']);
      const { checks } = await runChecks({ instance, file: '', defaultFile: '', intent, intentError: undefined });
      const found = checks.filter(({ name }) => name.startsWith('port.icmp-rate'));
      expect(found.map(({ status, name }) => `${status} ${name}`)).toEqual([
        mode === 'kernel' ? 'warn port.icmp-rate.kernel' : 'warn port.icmp-rate.t100-1',
      ]);
    });

    it('is repaired after a manual change, and follows the intent when changed or removed', async () => {
      expect(await network.diff('hv1', bounded(network, RATE))).toEqual([]);
      if (mode !== 'ebpf') {
        await network.output('hv1', ['nft', 'delete', 'table', 'inet', 'segue_icmp']);
        expect(await network.diff('hv1', bounded(network, RATE))).toHaveLength(1);
        await network.apply('hv1', bounded(network, RATE));
        expect(await network.diff('hv1', bounded(network, RATE))).toEqual([]);
      }
      await network.apply('hv1', bounded(network, 10_000));
      expect(await flood(network, 't100-1', '10.0.0.254')).toMatchObject({ received: COUNT });
      await network.apply('hv1', bounded(network));
      const before = mode === 'kernel' ? undefined : fastpathCounts(network, 'hv1');
      expect(await flood(network, 't100-1', 'cafe::254')).toMatchObject({ received: COUNT });
      if (before) expect(since(before, fastpathCounts(network, 'hv1')).reasons).not.toHaveProperty('drop icmp rate');
      expect(await network.output('hv1', ['nft', 'list', 'tables'])).not.toContain('segue_icmp');
      expect(await network.diff('hv1', bounded(network))).toEqual([]);
    });
  });
}
