/**
 * `xdp: true` at a port: on a TAP with a process behind it, and on a veth; tcx forwards to an uplink that takes no
 * frames from XDP.
 */
import { describe, expect, it } from 'vitest';
import { attachments } from '../../../src/ebpf/attachments.js';
import { unplugVm } from '../../../lab/network.js';
import { Background } from '../../../lab/process.js';
import { ROUTER } from '../../../lab/topology.js';
import { join } from 'node:path';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import { useNetwork } from '../../netns/lib/network.js';
import { decodeFrame, isEcho } from '../../netns/lib/packets.js';
import { macOf } from '../../netns/lib/raw.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { icmp4, icmp6 } from '../fastpath/control-packets.js';
import { ethernet } from '../fastpath/packets.js';
import { ROOT } from '../libbpf/harness.js';
import type { Intent } from '../../../src/intent/types.js';
import type { Header } from '../../netns/lib/packets.js';

const START_MS = 300_000;
const ANSWER_MS = 60_000;
const VM_MAC = '02:00:00:00:00:01';
const ECHOES = 5;

const FAMILIES = [
  { family: 'IPv4', from: '10.0.0.1', to: '10.0.0.2' },
  { family: 'IPv6', from: 'cafe::1', to: 'cafe::2' },
] as const;

/** The cloud with XDP at a port. */
function withXdp(intent: Intent, name: string): Intent {
  return { ...intent, ports: intent.ports.map((port) => (port.name === name ? { ...port, xdp: true } : port)) };
}

describe.each(['tap', 'veth'] as const)('a port that is a %s', (kind) => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), async (made) => {
    await made.applyAll();
    if (kind === 'tap') {
      unplugVm(made.topology, made.vm('t100-1'));
      await made.ip('hv1', 'tuntap add dev t100-1 mode tap');
      await made.ip('hv1', 'link set t100-1 up');
    } else await made.output('t100-1', ['ethtool', '-K', 'eth0', 'tx', 'off', 'tso', 'off', 'gso', 'off']);
    await made.apply('hv1', withXdp(made.intent(), 't100-1'));
    for (const to of ['10.0.0.1', 'cafe::1']) await made.ping('t100-2', to);
  });
  const apply = () => network.apply('hv1', withXdp(network.intent(), 't100-1'));
  /** Whether what the underlay's next device receives by XDP is taken: a veth's peer has to have NAPI. */
  const uplinkTakesFrames = async (on: boolean): Promise<void> => {
    await network.output(ROUTER, ['ethtool', '-K', 'hv1', 'gro', on ? 'on' : 'off']);
    await apply();
    expect(await network.diff('hv1', withXdp(network.intent(), 't100-1'))).toEqual([]);
  };

  /** Echo requests of the VM, each answered; and how many of them passed the port's interface, as one sees it after XDP. */
  const echoes = async (from: string, to: string): Promise<number> => {
    const capture = await network.capture('hv1', 't100-1', 'icmp or icmp6');
    if (kind === 'veth') {
      expect(await network.ping('t100-1', to, { count: ECHOES })).toMatchObject({ received: ECHOES });
    } else {
      const vm = new Background(network.netns('hv1'), [join(ROOT, 'build/native/tapio'), 't100-1'], { input: true });
      try {
        await vm.waitFor(/attached/, START_MS);
        const head = to.includes(':') ? [128, 0] : [8, 0];
        const make = to.includes(':') ? icmp6 : icmp4;
        const hv1Mac = macOf(network.netns('hv1'), 't100-1');
        for (let sequence = 1; sequence <= ECHOES; sequence++) {
          const packet = make(head, Buffer.from([0x12, 0x34, 0, sequence, 1, 2, 3, 4]), { from, to });
          vm.child.stdin?.write(`${ethernet(packet, { to: hv1Mac, from: VM_MAC }).toString('hex')}\n`);
        }
        const answered = (): number =>
          vm.output.split('\n').filter((line) => /^[0-9a-f]+$/.test(line) && isReply(line, to, from)).length;
        const started = performance.now();
        while (answered() < ECHOES && performance.now() - started < ANSWER_MS) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        expect(answered()).toBe(ECHOES);
      } finally {
        await vm.stop();
      }
    }
    return (await capture.stop()).filter(({ headers }) => isEcho(headers, 'request', from, to)).length;
  };
  const isReply = (line: string, from: string, to: string): boolean => {
    const headers: Header[] = decodeFrame(Buffer.from(line, 'hex'));
    return isEcho(headers, 'reply', from, to);
  };

  it('has programs at XDP and tcx', () => {
    const { kernel } = network.instance('hv1');
    kernel.links.refresh();
    const there = attachments(kernel).filter(({ device }) => device === 't100-1');
    expect(there.map(({ hook, program }) => `${hook} ${program.name}`).sort()).toEqual([
      'tcx segue_port',
      'xdp segue_port_xdp',
    ]);
  });

  it.each(FAMILIES)('$family: XDP forwards and counts where the uplink takes its frames', async ({ from, to }) => {
    await uplinkTakesFrames(true);
    await network.ping('t100-2', from);
    const before = fastpathCounts(network, 'hv1');
    expect(await echoes(from, to)).toBe(0);
    // Requests by XDP, answers by the uplink's program.
    expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBeGreaterThanOrEqual(
      2 * ECHOES,
    );
  });

  it.each(FAMILIES)('$family: tcx forwards where it takes none', async ({ from, to }) => {
    await uplinkTakesFrames(false);
    expect(await echoes(from, to)).toBe(ECHOES);
  });

  it('loses its XDP program without `xdp: true`', async () => {
    await network.apply('hv1');
    const { kernel } = network.instance('hv1');
    expect(attachments(kernel).filter(({ device, hook }) => device === 't100-1' && hook === 'xdp')).toEqual([]);
    const { from, to } = FAMILIES[0];
    expect(await echoes(from, to)).toBe(ECHOES);
  });
});
