/** The laboratory with `--source etcd`, and a node that moves from an intent file to a feed and back under traffic. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgents, stopAll } from '../../../lab/agents.js';
import { demoTopology } from '../../../lab/demo.js';
import { intentText, writeFiles } from '../../../lab/files.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';
import { openSource } from '../../../lab/source.js';
import { useNetwork } from '../../netns/lib/network.js';
import type { LabFleet } from '../../../lab/fleet.js';
import type { LabFiles } from '../../../lab/files.js';
import type { Background } from '../../../lab/process.js';
import type { LabSource } from '../../../lab/source.js';

const START_MS = 120_000;

describe('the demonstration network, with its intent in etcd', () => {
  const network = useNetwork(demoTopology('ebpf'), () => Promise.resolve());
  const { topology } = network;
  const agents = new Map<string, Background>();
  let source: LabSource;
  let fleet: LabFleet;

  const start = async (files: LabFiles, names = [...files.nodes.keys()]): Promise<void> => {
    const nodes = new Map([...files.nodes].filter(([name]) => names.includes(name)));
    for (const [name, agent] of await startAgents({ ...files, nodes })) agents.set(name, agent);
  };
  const doctor = async (name: string): Promise<string> =>
    (
      await runIn(undefined, [
        process.execPath,
        SEGUE_COMMAND,
        'doctor',
        '-j',
        '-c',
        source.files.nodes.get(name) ?? '',
      ])
    ).stdout;
  /** Whether blue-a reaches blue-b's own address, which is in the intent or not. */
  const isBlueThere = async (): Promise<boolean> =>
    (await network.ping('blue-a', '10.0.0.202', { timeoutS: 1 })).received === 1;
  const blue = topology.vms.find(({ name }) => name === 'blue-b')!;
  const addresses = [...blue.addresses];
  /** Gives blue-b its own address, or takes it, in the topology. */
  const give = (is: boolean): void => {
    blue.addresses = is ? addresses : addresses.filter((address) => address !== '10.0.0.202');
  };

  beforeAll(async () => {
    source = await openSource(topology, 'etcd', { directory: network.directory, onProgress: () => undefined });
    fleet = source.fleet!;
    await start(source.files);
  });
  afterAll(async () => {
    await stopAll(agents.values());
    await source.close();
  });

  it('reaches each node over mTLS, and the nodes report what they have applied', async () => {
    expect((await fleet.reports()).map(({ state, applied }) => [state, applied])).toEqual([
      ['ok', 1],
      ['ok', 1],
    ]);
    expect(await doctor('hv1')).toMatch(/"agent.feed","status":"ok"/);
    expect((await network.ping('red-a', '10.0.0.20')).received).toBe(1);
    expect(await isBlueThere()).toBe(true);
  });

  it('follows changes in etcd', async () => {
    give(false);
    await source.update();
    await expect.poll(isBlueThere, { timeout: START_MS }).toBe(false);
    give(true);
    await source.update();
    await expect.poll(isBlueThere, { timeout: START_MS }).toBe(true);
  });

  it('a node that moves to an intent file and back to the feed loses no packet, and follows each', async () => {
    let isOver = false;
    const sent = { sent: 0, received: 0 };
    // Two at a time: one is under way where the other starts anew.
    const traffic = [0, 1].map(async () => {
      while (!isOver) {
        const { sent: s, received } = await network.ping('red-a', '10.0.0.20', { count: 50, args: ['-i', '0.02'] });
        sent.sent += s;
        sent.received += received;
      }
    });
    // hv2 stays with the feed.
    await agents.get('hv1')!.stop();
    const byFile = writeFiles(topology, network.directory);
    await start(byFile, ['hv1']);
    expect(await doctor('hv1')).not.toMatch(/agent.feed/);
    give(false);
    writeFileSync(byFile.intent, intentText(topology));
    await expect.poll(isBlueThere, { timeout: START_MS }).toBe(false);
    give(true);
    writeFileSync(byFile.intent, intentText(topology));
    await expect.poll(isBlueThere, { timeout: START_MS }).toBe(true);

    await agents.get('hv1')!.stop();
    await start(
      writeFiles(topology, network.directory, (node) => fleet.intentOf(node)),
      ['hv1'],
    );
    expect(await doctor('hv1')).toMatch(/"agent.feed","status":"ok"/);
    give(false);
    await source.update();
    await expect.poll(isBlueThere, { timeout: START_MS }).toBe(false);
    give(true);
    await source.update();
    await expect.poll(isBlueThere, { timeout: START_MS }).toBe(true);
    isOver = true;
    await Promise.all(traffic);
    expect(sent.sent).toBeGreaterThan(0);
    expect(sent.received).toBe(sent.sent);
  });
});
