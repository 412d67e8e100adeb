/**
 * Every command of a `sh run` block in the documents is run, in a laboratory of its own, and exits with the documented
 * status.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoTopology } from '../../../lab/demo.js';
import { blocks, page } from '../../unit/docs/markdown.js';
import { useNetwork } from '../../netns/lib/network.js';
import { inNetwork, runShown, shownCommands } from './shown.js';
import type { Topology } from '../../../lab/topology.js';
import type { Shown } from './shown.js';

const PAGES = ['quickstart', 'operate', 'troubleshoot', 'debug'].map((name) => `docs/${name}.md`);

describe('laboratory commands in', () => {
  const network = useNetwork(demoTopology('ebpf'), async (made) => {
    await made.applyAll();
    made.files();
  });

  describe.each(PAGES)('%s', (path) => {
    const commands = shownCommands(path);

    it('include at least three', () => {
      expect(commands.length).toBeGreaterThan(2);
    });

    it.each(commands)('$line', async ({ line, status }) => {
      const ended = await runShown(network, line);
      expect({ status: ended.status, ...(ended.status !== status && { said: ended.stdout + ended.stderr }) }).toEqual({
        status,
      });
    });
  });
});

describe("README.md's example node", () => {
  const readme = page('README.md');
  const file = (name: string): string =>
    blocks(readme).find(({ info }) => info === `yaml /etc/segue/${name}`)?.text ?? `no /etc/segue/${name}`;
  const commands = shownCommands('README.md', 'sh').filter(({ line }) => line.startsWith('segue '));
  // `init` has a test of its own (test/kernel/cli/init.test.ts): here the node file is the one that is shown.
  const life = commands.filter(({ line }) => !line.startsWith('segue init'));
  const [, night = ''] = readme.text.split('## Three in the morning\n');
  const atNight = [...(night.split('\n## ')[0] ?? '').matchAll(/^\| [^|]+ \| `(segue [^`]+)` \|/gm)].map(
    ([, line = '']) => line,
  );
  const network = useNetwork(readmeTopology(), (made) => {
    const named = (text: string): string =>
      inNetwork(made, text)
        .replaceAll(/\b(hv1|hv2|nn1)\b/g, `${made.topology.prefix}-$1`)
        .replaceAll('tap-a', 'red-a')
        .replaceAll('tap-b', 'red-b')
        .replaceAll('tap-c', 'blue-a');
    writeFileSync(join(made.directory, 'intent.yaml'), named(file('intent.yaml')));
    for (const name of ['hv1', 'hv2', 'nn1']) {
      // What a namespace and a kernel without VRF need besides what README shows.
      const more = `netns: ${made.netns(name)}\ndataplane: ebpf\n`;
      writeFileSync(join(made.directory, `${name}.yaml`), named(file('node.yaml').replace('hv1', name)) + more);
    }
    return Promise.resolve();
  });

  it('covers the life of a node, from doctor to purge', () => {
    expect(readFileSync(join(network.directory, 'hv1.yaml'), 'utf8')).toContain('uplinks: [eth0]');
    const words = commands.map(({ line }) => line.split(' ')[1]);
    expect(words).toEqual(expect.arrayContaining(['doctor', 'apply', 'diff', 'show', 'purge']));
    expect(words.at(-1)).toBe('purge');
    expect(atNight).toHaveLength(6);
  });

  it('is one of three nodes that apply the same intent', async () => {
    const others = ['hv2', 'nn1'].map((name) =>
      runShown(network, 'segue apply', join(network.directory, `${name}.yaml`)),
    );
    for (const ended of await Promise.all(others)) expect(ended).toMatchObject({ status: 0 });
  });

  const ends = async ({ line, status }: Shown): Promise<void> => {
    const ended = await runShown(network, line, join(network.directory, 'hv1.yaml'));
    expect({ status: ended.status, ...(ended.status !== status && { said: ended.stdout + ended.stderr }) }).toEqual({
      status,
    });
  };

  it.each(life.slice(0, -1))('$line', ends);

  it.each(atNight)('passes the troubleshooting commands: %s', async (line) => {
    const endless = line.startsWith('segue monitor');
    const ended = await runShown(network, endless ? `timeout 3 ${line}` : line, join(network.directory, 'hv1.yaml'));
    const status = endless ? 124 : line.includes('--size 1500') ? 1 : 0;
    expect({ status: ended.status, ...(ended.status !== status && { said: ended.stdout + ended.stderr }) }).toEqual({
      status,
    });
    if (line.startsWith('segue trace')) expect(ended.stdout).toMatch(/^(sent|delivered|dropped): /m);
  });

  it.each(life.slice(-1))('$line', ends);
});

/** Two hypervisors and a network node on one underlay, with the VMs of README's intent. */
function readmeTopology(): Omit<Topology, 'prefix'> {
  const subnets = {
    red: [
      { prefix: '10.1.0.0/24', gateway: '10.1.0.1' },
      { prefix: 'fd00:1::/64', gateway: 'fd00:1::1' },
    ],
    blue: [{ prefix: '10.2.0.0/24', gateway: '10.2.0.1' }],
  };
  return {
    sidBlock: 'fd00:5e::/32',
    nodes: [
      { name: 'hv1', role: 'hypervisor', locator: 'fd00:5e:1::/48', dataplane: 'ebpf' },
      { name: 'hv2', role: 'hypervisor', locator: 'fd00:5e:2::/48', dataplane: 'ebpf' },
      { name: 'nn1', role: 'network-node', locator: 'fd00:5e:91::/48', dataplane: 'ebpf' },
    ],
    tenants: [
      { name: 'red', id: 100, subnets: subnets.red },
      { name: 'blue', id: 200, subnets: subnets.blue },
    ],
    vms: [
      { name: 'red-a', tenant: 'red', node: 'hv1', mac: '02:00:00:00:00:0a', addresses: ['10.1.0.10', 'fd00:1::a'] },
      { name: 'red-b', tenant: 'red', node: 'hv2', mac: '02:00:00:00:00:0b', addresses: ['10.1.0.20', 'fd00:1::b'] },
      { name: 'blue-a', tenant: 'blue', node: 'hv1', mac: '02:00:00:00:00:0c', addresses: ['10.2.0.10'] },
    ],
    paths: [],
  };
}
