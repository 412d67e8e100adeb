import { spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applyOnce } from '../../src/agent/apply.js';
import { Instance } from '../../src/agent/instance.js';
import { intentText } from '../../lab/files.js';
import { plugVm, unplugVm } from '../../lab/network.js';
import { inNetns } from 'netlink-ts';
import { AgentRun } from './lib/agent-run.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { Intent } from '../../src/intent/types.js';
import { scopeTo } from '../../src/app/intent.js';

/** How long the file source may take to see a new file and the agent to follow, milliseconds; emulated. */
const FOLLOW_MS = 300_000;

describe('an agent from start to stop', () => {
  const network = useNetwork(selftestTopology(), async (built) => {
    for (const vm of built.topology.vms.filter(({ node }) => node === 'hv1')) unplugVm(built.topology, vm);
    await built.apply('hv2');
  });
  const runs: AgentRun[] = [];
  const start = async (options = {}): Promise<AgentRun> => {
    const run = await AgentRun.start(network, 'hv1', options);
    runs.push(run);
    return run;
  };
  const write = (text: string): void => {
    const file = join(network.directory, 'intent.yaml');
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const reaches = async (): Promise<void> => {
    for (const address of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', address, { count: 2 }), address).toMatchObject({ sent: 2, received: 2 });
    }
  };
  const settled = async (run: AgentRun, intent?: Intent): Promise<void> => {
    const end = performance.now() + FOLLOW_MS;
    for (;;) {
      await run.agent.idle();
      const left = await network.diff('hv1', intent);
      if (left.length === 0) return;
      if (performance.now() > end) throw new Error(`still to do: ${left.map(({ object }) => object).join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  afterEach(async () => {
    for (const run of runs.splice(0)) await run.stop();
  });

  it('starts before its interfaces exist and configures them whenever they appear', async () => {
    const run = await start();
    const { line } = await run.waitFor('waiting for interfaces');
    expect(line.interfaces).toEqual(['t100-1', 't200-3']);
    for (const time of ['first', 'second']) {
      for (const vm of network.topology.vms.filter(({ node }) => node === 'hv1')) plugVm(network.topology, vm);
      await settled(run);
      await reaches();
      if (time === 'second') break;
      const from = run.lines.length;
      for (const vm of network.topology.vms.filter(({ node }) => node === 'hv1')) unplugVm(network.topology, vm);
      await run.waitFor('waiting for interfaces', from);
    }
    // No word of an error in all of that.
    expect(run.lines.filter(({ level }) => level >= 50)).toEqual([]);
  });

  it('apply alone configures an interface that reappeared', async () => {
    const vm = network.vm('t100-1');
    unplugVm(network.topology, vm);
    await network.apply('hv1');
    plugVm(network.topology, vm);
    expect((await network.diff('hv1')).map(({ kind }) => kind)).toContain('port');
    await network.apply('hv1');
    expect(await network.diff('hv1')).toEqual([]);
    await reaches();
  });

  it('rejects an invalid intent, leaves the node as it is, and follows the next valid one', async () => {
    const run = await start();
    const good = intentText(network.topology);
    write(good.replace('sidBlock: fd00:5e::/32', 'sidBlock: fd00:5e::1/32'));
    const refused = await run.waitFor('the intent is not valid; forwarding continues unchanged', 0, FOLLOW_MS);
    expect(refused.line.err?.message).toMatch(
      /intent\.yaml:2:11: sidBlock: "fd00:5e::1\/32": expected no bits set beyond the length: fd00:5e::\/32/,
    );
    expect(await network.diff('hv1')).toEqual([]);
    await reaches();

    // The host 2 of tenant 100 moves to another address, which only a node that follows knows the way to.
    const moved = network.intent();
    for (const port of moved.ports) if (port.name === 't100-2') port.addresses = ['10.0.0.22', 'cafe::22'];
    write(good.replace('- 10.0.0.2\n', '- 10.0.0.22\n').replace('- cafe::2\n', '- cafe::22\n'));
    await run.waitFor('followed a change of the intent', refused.next, FOLLOW_MS);
    expect(await network.diff('hv1', moved)).toEqual([]);
    write(good);
    await settled(run);
  });

  it('follows the MTU of its uplink, and rereads the node file on reload', async () => {
    const run = await start();
    const mtu = async (): Promise<number> => {
      const [link] = JSON.parse(await network.ip('hv1', '-j link show dev t100-1')) as { mtu: number }[];
      return link?.mtu ?? 0;
    };
    expect(await mtu()).toBe(1460);
    await network.ip('hv1', 'link set eth0 mtu 1400');
    await run.waitFor('the machine changed: planned again', 0, FOLLOW_MS);
    await settled(run);
    expect(await mtu()).toBe(1360);
    await network.ip('hv1', 'link set eth0 mtu 1500');
    await settled(run);
    expect(await mtu()).toBe(1460);

    const file = network.files().nodes.get('hv1') ?? '';
    writeFileSync(
      file,
      `node: ${network.netns('hv1')}\nnetns: ${network.netns('hv1')}\nuplinks: [eth0]\n` +
        `dataplane: kernel\nmtu: 1300\nintent: intent.yaml\n`,
    );
    run.agent.reload();
    await run.agent.idle();
    expect(await mtu()).toBe(1260);
    network.files();
    run.agent.reload();
    await run.agent.idle();
    expect(await mtu()).toBe(1460);
    expect(await network.diff('hv1')).toEqual([]);
  });

  it('moves a tenant’s ports to another VRF with all of their objects when the tenant’s id changes', async () => {
    const run = await start();
    const moved = network.intent();
    for (const tenant of moved.tenants) if (tenant.id === 100) tenant.id = 300;
    for (const intent of [moved, network.intent()]) {
      const from = run.lines.length;
      write(JSON.stringify(intent));
      await run.waitFor('followed a change of the intent', from, FOLLOW_MS);
      await settled(run, scopeTo(intent, network.netns('hv1')));
    }
    await reaches();
    network.files();
  });

  it('diffs everything after lost notifications', async () => {
    const run = await start();
    const from = run.lines.length;
    // The event loop stands still while the kernel tells more than the socket holds.
    const flood = 'for i in 1 2 3; do ip -batch $1/add; ip route flush table 77; done';
    const lines = Array.from({ length: 20_000 }, (_, n) => `route add blackhole 10.${n >> 8}.${n & 255}.0/32 table 77`);
    writeFileSync(join(network.directory, 'add'), lines.join('\n'));
    floodSync(network.netns('hv1'), `${flood}; ip link del sg-100`, network.directory);
    await run.waitFor('kernel notifications were lost: comparing everything', from, FOLLOW_MS);
    await settled(run);
    await reaches();
  });

  it('concurrent applies, and an apply beside the agent, do not conflict', async () => {
    const intent = scopeTo(network.intent(), network.netns('hv1'));
    await network.purge('hv1');
    const instances = [1, 2].map(() => new Instance(network.config('hv1')));
    try {
      const reports = await Promise.all(instances.map((instance) => applyOnce(instance, intent)));
      expect(reports.map(({ failures }) => failures)).toEqual([[], []]);
      expect(await network.diff('hv1')).toEqual([]);
      const run = await start();
      for (let round = 0; round < 3; round++) {
        await network.shell('hv1', 'ip link del sg-100; nft delete table inet segue; ip nexthop flush proto 94');
        const applies = instances.map((instance) => applyOnce(instance, intent, { force: true }));
        const [first] = await Promise.all(applies);
        expect(first?.failures).toEqual([]);
        await settled(run);
      }
      expect(run.lines.filter(({ level }) => level >= 50)).toEqual([]);
      await reaches();
    } finally {
      for (const instance of instances) instance.close();
    }
  });
});

describe('the guard against mass removal', () => {
  const COUNT = 11;
  const network = useNetwork(selftestTopology(), async (built) => {
    const names = Array.from({ length: COUNT }, (_, n) => `d${n}`);
    await built.shell('hv1', names.map((name) => `ip link add ${name} type dummy`).join('\n'));
  });
  const wide = (): Intent => {
    const intent = network.intent();
    const [like] = intent.ports.filter(({ name }) => name === 't100-1');
    if (like === undefined) throw new Error('no port to copy');
    for (let n = 0; n < COUNT; n++) {
      const mac = `02:00:00:00:01:${n.toString(16).padStart(2, '0')}`;
      intent.ports.push({ ...like, name: `d${n}`, interface: `d${n}`, mac, addresses: [`10.0.0.${100 + n}`] });
    }
    return intent;
  };
  let full: Intent;
  beforeAll(() => {
    full = wide();
  });

  it('blocks an apply that removes more than ten ports and more than a fifth of all, until forced', async () => {
    const { node } = network.config('hv1');
    await network.apply('hv1', full);
    await expect(network.apply('hv1')).rejects.toMatchObject({ code: 'MASS_REMOVAL', removed: COUNT, held: COUNT + 2 });
    expect(await network.diff('hv1', full)).toEqual([]);
    const report = await applyOnce(network.instance('hv1'), scopeTo(network.intent(), node), { force: true });
    expect(report.failures).toEqual([]);
    expect(await network.diff('hv1')).toEqual([]);
  });

  it('blocks an agent the same way, until it is told to proceed', async () => {
    const file = network.files().intent;
    writeFileSync(file.replace('.yaml', '.wide'), JSON.stringify(full));
    renameSync(file.replace('.yaml', '.wide'), file);
    const run = await AgentRun.start(network, 'hv1');
    try {
      expect(await network.diff('hv1', full)).toEqual([]);
      const from = run.lines.length;
      writeFileSync(file, intentText(network.topology));
      const held = await run.waitFor(({ code }) => code === 'MASS_REMOVAL', from, FOLLOW_MS);
      await run.agent.idle();
      expect(await network.diff('hv1', full)).toEqual([]);
      run.agent.release();
      await run.waitFor('followed a change of the intent', held.next, FOLLOW_MS);
      await run.agent.idle();
      expect(await network.diff('hv1')).toEqual([]);
    } finally {
      await run.stop();
    }
  });
});

/** A script in a namespace, while this process does nothing else. */
function floodSync(netns: string, script: string, argument: string): void {
  const { status, stderr } = inNetns(netns, () =>
    spawnSync('bash', ['-euc', script, 'bash', argument], { encoding: 'utf8' }),
  );
  if (status !== 0) throw new Error(`flood: ${stderr}`);
}
