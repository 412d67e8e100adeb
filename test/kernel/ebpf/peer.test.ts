/**
 * Packets for a VM in a namespace of this machine bypass its port's device, unless somebody has attached a qdisc or a
 * program there.
 */
import { describe, expect, it } from 'vitest';
import { attachTcx } from 'libbpf-ts';
import { Background } from '../../../lab/process.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { load } from '../libbpf/harness.js';
import type { TestNetwork } from '../../netns/lib/network.js';

const PORT = 't100-1';
const PINGS = 3;
const SERVER_START_MS = 60_000;

interface Statistics {
  stats64: { tx: { packets: number } };
}

/** Of iperf3. */
interface Transfer {
  end: { sum_received: { bytes: number } };
}

/** Packets that went out of the port's device. */
async function sentBy(network: TestNetwork): Promise<number> {
  const [link] = JSON.parse(await network.ip('hv1', `-s -j link show dev ${PORT}`)) as Statistics[];
  return link?.stats64.tx.packets ?? NaN;
}

/** Replies to the port's VM that went out of its device. */
async function byDevice(network: TestNetwork, to: string): Promise<number> {
  // Neighbours are answered for by way of the device.
  await network.ping(PORT, to, { count: 1 });
  const before = await sentBy(network);
  expect(await network.ping(PORT, to, { count: PINGS })).toMatchObject({ received: PINGS });
  return (await sentBy(network)) - before;
}

const DESTINATIONS = ['10.0.0.2', 'cafe::2'];

describe.each([['never'], ['always']] as const)('xdp: %s', (xdp) => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' }, xdp }), async (made) => {
    await made.applyAll();
  });
  const expectByDevice = async (count: number): Promise<void> => {
    for (const to of DESTINATIONS) expect(await byDevice(network, to)).toBe(count);
  };
  const applied = async (): Promise<string[]> => {
    const changes = await network.diff('hv1');
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
    return changes.map(({ action, kind }) => `${action} ${kind}`);
  };

  it('packets bypass the device', async () => {
    await expectByDevice(0);
  });

  // With XDP at the uplink tcx gets what GRO merged, addressed to the VM.
  it('TCP bypasses the device', async () => {
    const server = new Background(network.netns(PORT), ['iperf3', '-s', '-1', '--forceflush']);
    try {
      await server.waitFor(/listening/, SERVER_START_MS);
      const before = await sentBy(network);
      const ran = JSON.parse(await network.output('t100-2', ['iperf3', '-J', '-c', '10.0.0.1', '-t', '1'])) as Transfer;
      expect(ran.end.sum_received.bytes).toBeGreaterThan(1e6);
      expect((await sentBy(network)) - before).toBeLessThan(10);
    } finally {
      await server.stop();
    }
  });

  it.each([
    ['a queueing discipline', 'root pfifo', 'root'],
    ['a clsact', 'clsact', 'clsact'],
  ])('packets pass the device with %s', async (_name, put, taken) => {
    await network.shell('hv1', `tc qdisc add dev ${PORT} ${put}`);
    expect(await applied()).toEqual(['replace bpf-port']);
    await expectByDevice(PINGS);
    await network.shell('hv1', `tc qdisc del dev ${PORT} ${taken}`);
    expect(await applied()).toEqual(['replace bpf-port']);
    await expectByDevice(0);
  });

  it('packets pass the device with an egress program, which sees them', async () => {
    const foreign = load('test/foreign');
    const where = { interface: PORT, netns: network.netns('hv1'), direction: 'egress' } as const;
    const link = attachTcx(foreign.program('foreign_tcx'), where);
    try {
      expect(await applied()).toEqual(['replace bpf-port']);
      await expectByDevice(PINGS);
    } finally {
      link.detach();
      link.close();
    }
    expect(await applied()).toEqual(['replace bpf-port']);
    await expectByDevice(0);
  });
});
