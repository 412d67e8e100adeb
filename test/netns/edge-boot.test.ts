/**
 * The edge from boot to purge: loaded before forwarding is on, in force while no agent runs, and removed after
 * forwarding is restored.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STATE_ROOT } from '../../src/edge/edge-file.js';
import { SEGUE_COMMAND } from '../../lab/paths.js';
import { Background, runIn } from '../../lab/process.js';
import * as frames from './lib/frames.js';
import { B, isolationTopology, MARK } from './lib/isolation.js';
import { useNetwork } from './lib/network.js';
import { Witness } from './lib/probe.js';
import { macOf, sendFrames } from './lib/raw.js';
import type { Ended } from '../../lab/process.js';
import type { LabFiles } from '../../lab/files.js';

/** An emulated machine takes a minute to load the command. */
const PATIENCE_MS = 400_000;
const FORWARDING = 'net/ipv6/conf/all/forwarding';
const attack = frames.tunnelled('fd00:bad::1', 'fd00:5e:2:4600:c8::', frames.udpPacket('10.0.0.77', B[4], MARK));

const network = useNetwork(isolationTopology(), async (built) => {
  // A host interface whose neighbour is the network's router itself: enough of an outside.
  await built.shell(
    'hv1',
    `ip link add mgmt0 type veth peer name m0 netns ${built.netns('red-b')}; ip link set mgmt0 up; ip -n ${built.netns('red-b')} link set m0 up`,
  );
});
let router: Witness;
let files: LabFiles;

beforeAll(async () => {
  router = await Witness.place(network, 'router', 'prerouting priority -400', { attack: 'ip6 saddr fd00:bad::/32' });
  files = network.files();
});

function send(): void {
  const [from, to] = [macOf(network.netns('red-b'), 'm0'), macOf(network.netns('hv1'), 'mgmt0')];
  sendFrames(network.netns('red-b'), 'm0', [frames.ethernet(from, to, frames.ETHERTYPE.ipv6, attack)]);
}
const segue = (...argv: string[]): Promise<Ended> =>
  runIn(undefined, [process.execPath, SEGUE_COMMAND, ...argv], { timeoutMs: PATIENCE_MS });
const load = (): Promise<Ended> => segue('edge', 'load', '-c', files.nodes.get('hv1') ?? '');
const saved = (): string => join(STATE_ROOT, network.netns('hv1'), 'edge.nft');
const forward = (value: 0 | 1): Promise<string> => network.shell('hv1', `echo ${value} >/proc/sys/${FORWARDING}`);
/** nft gives every table that is made another one. */
const handle = async (): Promise<string> =>
  /table inet segue_edge \{ # handle (\d+)/.exec(
    await network.output('hv1', ['nft', '-a', 'list', 'table', 'inet', 'segue_edge']),
  )?.[1] ?? 'none';

describe('a host that forwards before segue runs', () => {
  let agent: Background | undefined;
  beforeAll(() => forward(1));
  afterAll(() => agent?.stop('SIGKILL'));

  it('lets packets into the domain until its edge is loaded from its files at boot', async () => {
    expect(await router.sees('attack', send)).toBe(true);
    expect(await load()).toMatchObject({ status: 0, stdout: expect.stringContaining('made from') as string });
    expect(await router.countOf('attack', send)).toBe(0);
  });

  it('has the edge without a gap when an agent takes over and when it dies', async () => {
    const before = await handle();
    const argv = [process.execPath, SEGUE_COMMAND, 'agent', '-c', files.nodes.get('hv1') ?? ''];
    agent = new Background(undefined, argv, { log: join(network.directory, 'agent.log') });
    await agent.waitFor(/converged on the intent/, PATIENCE_MS);
    expect(await handle()).toBe(before);
    expect(await router.countOf('attack', send)).toBe(0);
    await agent.stop('SIGKILL');
    expect(await router.countOf('attack', send)).toBe(0);
    expect(existsSync(saved())).toBe(true);
  });

  it('loads the edge that the agent saved, after somebody flushed every ruleset', async () => {
    await network.shell('hv1', 'nft flush ruleset');
    expect(await router.sees('attack', send)).toBe(true);
    expect(await load()).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('last in force') as string,
    });
    expect(await router.countOf('attack', send)).toBe(0);
    expect(await network.output('hv1', ['nft', 'list', 'set', 'inet', 'segue_edge', 'sources'])).toContain(
      'fd00:5e:2::1',
    );
  });
});

describe('a host that did not forward', () => {
  /** The forwarding at each moment that the edge is touched. */
  const seen: string[] = [];

  beforeAll(async () => {
    await segue('purge', '-c', files.nodes.get('hv1') ?? '');
    await forward(0);
    const { kernel } = network.instance('hv1');
    const nft = kernel.nft.bind(kernel);
    kernel.nft = async (args, script) => {
      const touches = script?.includes('delete table inet segue_edge') === true;
      if (touches) {
        seen.push(`before ${kernel.sysctls.read(FORWARDING)} ${await router.countOf('attack', send)}`);
      }
      const output = await nft(args, script);
      if (touches) seen.push(`after ${kernel.sysctls.read(FORWARDING)} ${await router.countOf('attack', send)}`);
      return output;
    };
  });

  it('loads the edge before it forwards', async () => {
    await network.apply('hv1');
    expect(seen.splice(0)).toEqual(['before 0 0', 'after 0 0']);
    expect(network.instance('hv1').kernel.sysctls.read(FORWARDING)).toBe('1');
    expect(await router.countOf('attack', send)).toBe(0);
  });

  it('stops forwarding before the edge is removed', async () => {
    expect((await network.purge('hv1')).failures).toEqual([]);
    expect(seen.splice(0)).toEqual(['before 0 0', 'after 0 0']);
    expect(await router.countOf('attack', send)).toBe(0);
    expect(existsSync(saved())).toBe(false);
  });

  it('does not remove the edge while forwarding cannot be restored', async () => {
    await network.apply('hv1');
    const { sysctls } = network.instance('hv1').kernel;
    const writeAll = sysctls.writeAll.bind(sysctls);
    const error = new Error('read-only file system');
    // What a /proc/sys mounted read-only says.
    sysctls.writeAll = (values) => {
      const all = [...values];
      const errors = writeAll(all.filter(([path]) => path !== FORWARDING));
      if (all.some(([path]) => path === FORWARDING)) errors.set(FORWARDING, error);
      return errors;
    };
    const { failures } = await network.purge('hv1');
    expect(failures.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['sysctl', 'edge']));
    expect(await router.countOf('attack', send)).toBe(0);
    sysctls.writeAll = writeAll;
    expect((await network.purge('hv1')).failures).toEqual([]);
    expect(sysctls.read(FORWARDING)).toBe('0');
  });

  it('builds an edge from a truncated intent and no saved file', async () => {
    rmSync(saved(), { force: true });
    writeFileSync(files.intent, 'version: 1\nsidBlock: fd00:5e::/32\nnodes: [\n');
    await forward(1);
    expect(await router.sees('attack', send)).toBe(true);
    expect(await load()).toMatchObject({ status: 0, stdout: expect.stringContaining('the prefixes of') as string });
    expect(await router.countOf('attack', send)).toBe(0);
  });
});
