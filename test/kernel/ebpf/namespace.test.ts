/** The network namespace of a node is deleted and created again while its agent runs, and purged when it is gone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeDirectories, pinDirectory } from '../../../src/agent/instance.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { plugVm } from '../../../lab/network.js';
import { outputOf, runIn } from '../../../lab/process.js';
import { ROUTER } from '../../../lab/topology.js';
import { addNode } from '../../../lab/underlay.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const PATIENCE_MS = 300_000;
const BOTH = { hv1: 'ebpf', hv2: 'ebpf' } as const;
const GONE = 'the network namespace is gone: waiting for a new one of that name';
const ANEW = 'a new network namespace has the name: making everything in it';

describe('the namespace of a node', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), (made) => made.apply('hv2').then(() => undefined));
  const { topology } = network;
  const vms = topology.vms.filter(({ node }) => node === 'hv1');
  let run: AgentRun | undefined;

  const reaches = async (): Promise<void> => {
    for (const address of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', address, { count: 3 }), address).toMatchObject({ sent: 3, received: 3 });
    }
  };
  const repaired = (): Promise<unknown> =>
    expect
      .poll(() => network.ping('t100-1', '10.0.0.2', { count: 1 }), { timeout: PATIENCE_MS })
      .toMatchObject({ received: 1 });
  /** The other ends of its interfaces. */
  const removePeers = async (): Promise<void> => {
    for (const vm of vms) await runIn(network.netns(vm.name), ['ip', 'link', 'del', 'eth0']);
    await runIn(network.netns(ROUTER), ['ip', 'link', 'del', 'hv1']);
  };
  const build = async (): Promise<void> => {
    createNetns(network.netns('hv1'));
    for (const node of topology.nodes) if (node.name === 'hv1') await addNode(topology, node);
    for (const vm of vms) plugVm(topology, vm);
  };

  afterEach(async () => {
    await run?.stop();
    run = undefined;
  });

  it('is replaced at once: the agent programs the new one', { timeout: 120_000 }, async () => {
    run = await AgentRun.start(network, 'hv1');
    await reaches();
    deleteNetns(network.netns('hv1'));
    await removePeers();
    await build();
    await repaired();
    await run.waitFor(ANEW);
    await reaches();
    expect(await network.diff('hv1')).toEqual([]);
  });

  it('is gone: the agent holds no reference, waits, and programs the new one', { timeout: 120_000 }, async () => {
    network.forget('hv1');
    run = await AgentRun.start(network, 'hv1');
    await reaches();
    deleteNetns(network.netns('hv1'));
    await run.waitFor(GONE);
    // The namespace ends with its last user, and its interfaces with it.
    const peer = (): Promise<number | undefined> =>
      runIn(network.netns(ROUTER), ['ip', 'link', 'show', 'dev', 'hv1']).then(({ status }) => status);
    await expect.poll(peer, { timeout: PATIENCE_MS }).toBe(1);
    await build();
    await repaired();
    await run.waitFor(ANEW);
    await reaches();
    expect(await network.diff('hv1')).toEqual([]);
    // Whatever is asked of a namespace that is not there fails; nothing of that is an error of the agent's after it.
    const from = run.lines.findIndex(({ msg }) => msg === ANEW);
    expect(run.lines.slice(from).filter(({ level }) => level >= 50)).toEqual([]);
  });

  it('is replaced without an agent: saved settings of the old one are not restored in it', async () => {
    const name = network.netns('hv1');
    const mtu = async (): Promise<string | undefined> =>
      / mtu (\d+) /.exec(await network.ip('hv1', 'link show t100-1'))?.[1];
    await network.apply('hv1');
    const ours = await mtu();
    network.forget('hv1');
    deleteNetns(name);
    await removePeers();
    await build();
    // The interface has the name and the number that the old one had, and another MTU.
    await network.ip('hv1', 'link set dev t100-1 mtu 1444');
    await network.apply('hv1');
    expect(await mtu()).toBe(ours);
    await network.purge('hv1');
    expect(await mtu()).toBe('1444');
    await network.apply('hv1');
  });

  it('is gone: purge removes pins and files', async () => {
    const node = network.netns('hv1');
    const places = [...nodeDirectories(node), pinDirectory(node)];
    expect(places.filter((path) => existsSync(path))).toEqual(places);
    network.forget('hv1');
    deleteNetns(node);
    const argv = [process.execPath, SEGUE_COMMAND, 'purge', '-c', join(network.directory, 'hv1.yaml')];
    expect(await runIn(undefined, argv)).toMatchObject({
      status: 0,
      stdout: `${node}: network namespace ${node} no longer exists; pins and files were removed\n`,
    });
    expect(places.filter((path) => existsSync(path))).toEqual([]);
    expect(await outputOf(undefined, [...argv, '-j'])).toContain('"delete":0');
    createNetns(node);
  });
});
