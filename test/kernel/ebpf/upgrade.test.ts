/**
 * One flow with sequence numbers while the agent of the sending node is killed, restarted and upgraded to other
 * programs and map layouts, and while 10,000 other ports are added and removed: no packet is lost or reordered by
 * segue, and counters continue. Drops at a full queue of the receiving machine do not count: veth counts them (tx
 * dropped: the peer's backlog was full), and UDP does.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sendThrough } from '../../../bench/failover/flows.js';
import { objectPath, PROGRAM_NAMES } from '../../../src/ebpf/programs.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { ROUTER } from '../../../lab/topology.js';
import { ROOT } from '../libbpf/harness.js';
import { fastpathCounts } from '../../netns/lib/fastpath.js';
import { useNetwork } from '../../netns/lib/network.js';
import { droppedByQueues } from '../../netns/lib/queues.js';
import { becomeOldBuild } from '../../netns/lib/old-build.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Intent } from '../../../src/intent/types.js';

/**
 * What a busy machine carries; the figure is taken on one that rests, where the agent shares two processors with the packets:
 * SEGUE_PPS=100000 SEGUE_FLOW_SECONDS=90 node_modules/.bin/vitest run --project kernel test/kernel/ebpf/upgrade.test.ts
 */
const PACKETS_PER_SECOND = Number(process.env.SEGUE_PPS ?? 20_000);
/** It lasts longer where all that happens does. */
const SECONDS = Number(process.env.SEGUE_FLOW_SECONDS ?? 20);
/** Namespaces that the packets pass. */
const WAY = ['t100-1', 'hv1', ROUTER, 'hv2', 't100-2'];
const OTHER_PORTS = 10_000;
const CONVERGE_MS = 60_000;
const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;

const network = useNetwork(selftestTopology({ dataplane: BOTH }), async (made) => {
  await made.applyAll();
  for (const to of ['10.0.0.2', 'cafe::2']) await made.ping('t100-1', to);
});

/** The same cloud with more ports on hv2. */
function withOthers(intent: Intent): Intent {
  const [example] = intent.ports.filter(({ name }) => name === 't100-2');
  if (example === undefined) throw new Error('no port');
  const others = Array.from({ length: OTHER_PORTS }, (_, index) => {
    const hex = (index + 1).toString(16).padStart(4, '0');
    const mac = `02:00:00:01:${hex.slice(0, 2)}:${hex.slice(2)}`;
    return { ...example, name: `other-${index}`, interface: `other-${index}`, mac, addresses: [`cafe::1:${hex}`] };
  });
  return { ...intent, ports: [...intent.ports, ...others] };
}

it('a flow loses no packet through kills, restarts and upgrades', { timeout: (SECONDS + 600) * 1000 }, async () => {
  const { nodes } = network.files();
  const file = nodes.get('hv1') ?? '';
  const agent = async (env: NodeJS.ProcessEnv = process.env): Promise<Background> => {
    const started = new Background(undefined, [process.execPath, SEGUE_COMMAND, 'agent', '-c', file], { env });
    await started.waitFor(/converged on the intent/, CONVERGE_MS);
    return started;
  };
  // Programs of another build: what follows an ELF file's sections makes it another file.
  const directory = join(network.directory, 'objects');
  mkdirSync(directory);
  for (const name of PROGRAM_NAMES) {
    cpSync(objectPath(name), join(directory, `${name}.o`));
    writeFileSync(join(directory, `${name}.o`), Buffer.concat([readFileSync(objectPath(name)), Buffer.from('other')]));
  }
  const { fastpath } = network.instance('hv1').kernel;
  const forwarded = (): number => fastpathCounts(network, 'hv1').reasons['forward forwarded'] ?? 0;
  const steps: string[] = [];
  const before = { dropped: await droppedByQueues(network, WAY), forwarded: forwarded() };
  const load = {
    address: '10.0.0.2',
    flows: 1,
    packetsPerSecond: PACKETS_PER_SECOND,
    seconds: SECONDS,
    untilDone: true,
  };
  const started = performance.now();
  const outcome = await sendThrough(
    network.netns('t100-1'),
    [network.netns('t100-2')],
    { program: join(ROOT, 'build/native/seqflow'), ...load },
    async () => {
      const step = (what: string): void => {
        steps.push(`${what} at ${((performance.now() - started) / 1000).toFixed(1)} s`);
      };
      let running = await agent();
      step('agent started');
      await running.stop('SIGKILL');
      running = await agent();
      step('killed and started again');
      await running.stop();
      running = await agent({ ...process.env, SEGUE_BPF_OBJECTS: directory });
      step('other programs');
      await running.stop('SIGKILL');
      becomeOldBuild(fastpath, network.instance('hv1').runDirectory, join(network.directory, 'old'));
      step('programs and maps of an old build');
      running = await agent();
      step('this build again, maps carried over');
      await running.stop();
      await network.apply('hv1', withOthers(network.intent()));
      step(`${OTHER_PORTS} ports more`);
      await network.apply('hv1');
      step('and gone');
    },
  );
  const dropped = (await droppedByQueues(network, WAY)) - before.dropped;
  const counted = forwarded() - before.forwarded;
  process.stdout.write(`${JSON.stringify({ ...outcome, droppedByQueues: dropped, counted })}; ${steps.join(', ')}\n`);
  expect(outcome.sent).toBeGreaterThan(PACKETS_PER_SECOND);
  expect(outcome.lost - dropped).toBeLessThanOrEqual(0);
  expect(outcome.reordered).toBe(0);
  // Counters went on from where they were, near the end of the flow. What the old programs counted between copy and swap is not carried: that
  // takes as long as the programs take to load.
  expect(counted).toBeGreaterThan(outcome.sent * 0.5);
});
