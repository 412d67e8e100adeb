/**
 * The .deb from `make packages`: reproducible, inspected, installed, used, upgraded and downgraded under 10,000 packets
 * a second, removed and purged.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputOf, runIn } from '../../../lab/process.js';
import { ROUTER } from '../../../lab/topology.js';
import { useNetwork } from '../../netns/lib/network.js';
import { droppedByQueues } from '../../netns/lib/queues.js';
import { differencesOf, snapshot } from '../../netns/lib/snapshot.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { Stream } from '../soak/stream.js';
import { Machine } from './machine.js';
import type { Snapshot } from '../../netns/lib/snapshot.js';

const NODE = 'hv1';
const UNITS = '/usr/lib/systemd/system';
/** How exposed a unit may be, by systemd-analyze. The agent's may have no mount namespace of its own (packaging/systemd/segue.service). */
const EXPOSURE = {
  'segue.service': 4.5,
  'segue-edge.service': 2,
  'segue-report.service': 2,
  'segue-metadata@.service': 2,
  'segue-dns@.service': 2,
};
const PACKETS_PER_SECOND = 10_000;
const PATIENCE_MS = 300_000;
/** On a busy machine programs of others take their time. */
const PROGRAM_MS = 280_000;
/** Namespaces that the packets pass. */
const WAY = ['t100-1', 't100-2', 'hv1', 'hv2', ROUTER];
const LATER = '99.0.0';

const out = mkdtempSync(join(tmpdir(), 'segue-packages-'));
const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const deb = `segue_${version}-1_${arch}.deb`;
const monitoringDeb = `segue-monitoring_${version}-1_all.deb`;
const laterDeb = `segue_${LATER}-1_${arch}.deb`;

/** Says nothing on standard error. */
async function make(directory: string, ...words: string[]): Promise<void> {
  const argv = ['scripts/packages', '--quick', '--arch', arch, '--out', join(out, directory), ...words, 'deb'];
  const { status, stderr } = await runIn(undefined, argv, { timeoutMs: PROGRAM_MS });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}
const checksum = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

beforeAll(async () => {
  await make('.');
  await make('.', '--version', LATER);
});
afterAll(() => {
  rmSync(out, { recursive: true, force: true });
});

/** Many of one kind by one name; those of an architecture by `*`. */
const FILES = [
  '/etc/iproute2/rt_protos.d/segue.conf',
  '/usr/bin/segue',
  '/usr/lib/NetworkManager/conf.d/50-segue.conf',
  '/usr/lib/modules-load.d/segue.conf',
  '/usr/lib/segue/bin/node',
  '/usr/lib/segue/bin/segue',
  '/usr/lib/segue/build/bpf/*.o',
  '/usr/lib/segue/dist/bin/*.js',
  '/usr/lib/segue/lib/libbpf.so.1',
  '/usr/lib/segue/node_modules/@koromix/koffi-linux-*/index.js',
  '/usr/lib/segue/node_modules/@koromix/koffi-linux-*/linux_*/koffi.node',
  '/usr/lib/segue/node_modules/@koromix/koffi-linux-*/package.json',
  '/usr/lib/segue/node_modules/koffi/index.js',
  '/usr/lib/segue/node_modules/koffi/package.json',
  '/usr/lib/segue/node_modules/koffi/src/koffi/index.js',
  '/usr/lib/segue/node_modules/koffi/src/koffi/src/static.js',
  '/usr/lib/segue/package.json',
  '/usr/lib/sysctl.d/50-segue.conf',
  '/usr/lib/systemd/network/05-segue-vrf.network',
  '/usr/lib/systemd/networkd.conf.d/50-segue.conf',
  '/usr/lib/systemd/system/segue-dns@.service',
  '/usr/lib/systemd/system/segue-dns@.socket',
  '/usr/lib/systemd/system/segue-edge.service',
  '/usr/lib/systemd/system/segue-metadata@.service',
  '/usr/lib/systemd/system/segue-metadata@.socket',
  '/usr/lib/systemd/system/segue-report.service',
  '/usr/lib/systemd/system/segue-report.timer',
  '/usr/lib/systemd/system/segue.service',
  '/usr/lib/sysusers.d/segue.conf',
  '/usr/share/bash-completion/completions/segue',
  '/usr/share/doc/segue/*.md',
  '/usr/share/doc/segue/changelog.Debian.gz',
  '/usr/share/doc/segue/changelog.gz',
  '/usr/share/doc/segue/copyright',
  '/usr/share/doc/segue/examples/intent.yaml',
  '/usr/share/doc/segue/examples/netns.conf',
  '/usr/share/doc/segue/licenses/*',
  '/usr/share/fish/vendor_completions.d/segue.fish',
  '/usr/share/lintian/overrides/segue',
  '/usr/share/man/man8/segue*.8.gz',
  '/usr/share/zsh/vendor-completions/_segue',
];

describe('the .deb', () => {
  it('is reproducible', async () => {
    await make('again');
    for (const file of [deb, monitoringDeb]) expect(checksum(join(out, 'again', file))).toBe(checksum(join(out, file)));
  });

  it('contains exactly these files, all owned by root', async () => {
    const listing = await outputOf(undefined, ['dpkg-deb', '--contents', join(out, deb)]);
    const entries = listing
      .trim()
      .split('\n')
      .map((line) => /^(\S+) (\S+) +\d+ \S+ \S+ \.(\S+)/.exec(line)?.slice(1) ?? [line]);
    expect(entries.filter(([, owner]) => owner !== 'root/root')).toEqual([]);
    expect(entries.filter(([mode]) => !/^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x)$/.test(mode ?? ''))).toEqual([]);
    const files = entries.flatMap(([mode, , path = '']) => (mode?.startsWith('-') === true ? [path] : []));
    // One name for what there are many of.
    const kinds = files.map((path) =>
      path
        .replace(/\/dist\/bin\/[\w-]+\.js$/, '/dist/bin/*.js')
        .replace(/\/bpf\/\w+\.o$/, '/bpf/*.o')
        .replace(/\/man8\/segue[\w-]*\.8\.gz$/, '/man8/segue*.8.gz')
        .replace(/\/doc\/segue\/\w+\.md(\.gz)?$/, '/doc/segue/*.md')
        .replace(/\/licenses\/[\w.-]+$/, '/licenses/*')
        .replace(/(koffi-linux-|linux_)(x64|arm64)/g, '$1*'),
    );
    expect([...new Set(kinds)].sort()).toEqual(FILES);
  });

  it("depends only on nftables, iproute2, and libraries of iproute2 and Debian's base", async () => {
    const depends = await outputOf(undefined, ['dpkg-deb', '--field', join(out, deb), 'Depends']);
    const names = depends
      .trim()
      .split(/, /)
      .map((one) => one.split(' ')[0]);
    expect(names).toEqual(['iproute2', 'libc6', 'libelf1', 'libstdc++6', 'nftables', 'zlib1g']);
  });

  it('of monitoring contains rules and dashboards, and depends on nothing', async () => {
    const file = join(out, monitoringDeb);
    expect((await outputOf(undefined, ['dpkg-deb', '--field', file, 'Depends'])).trim()).toBe('');
    const listing = await outputOf(undefined, ['dpkg-deb', '--contents', file]);
    const kinds = listing.match(/ \.\/usr\/share\/segue-monitoring\/\S+\.(json|yaml)$/gm) ?? [];
    expect(kinds.filter((path) => path.endsWith('.json'))).toHaveLength(6);
    expect(kinds.filter((path) => path.endsWith('.yaml'))).toHaveLength(2);
  });

  it('passes lintian, as does that of monitoring', async () => {
    const files = [deb, monitoringDeb].map((name) => join(out, name));
    const argv = ['lintian', '--allow-root', '--fail-on=error,warning', ...files];
    const { status, stdout } = await runIn(undefined, argv, { timeoutMs: PROGRAM_MS });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});

describe('the installed package', () => {
  let machine: Machine;
  let untouched: Snapshot;
  /** Files that were not this machine's before. */
  let before: string[];
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), (made) =>
    made.apply('hv2').then(() => undefined),
  );
  const pings = async (): Promise<void> => {
    for (const to of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', to, { count: 2 }), to).toMatchObject({ received: 2 });
    }
  };

  beforeAll(async () => {
    network.files();
    untouched = lasting(await snapshot(network, NODE));
    machine = await Machine.start(network.netns(NODE), out);
    // Where this machine forbids packages to start and stop services, nothing would be seen of what they ask for.
    await machine.shell('rm -f /usr/sbin/policy-rc.d');
    before = await machine.changed();
  });
  afterAll(() => machine.stop());

  it('starts nothing, and prints the next step', async () => {
    const said = await machine.dpkg('-i', `/mnt/${deb}`);
    expect(said).toContain('segue: nothing is started without a node file: run segue init');
    expect(lasting(await snapshot(network, NODE))).toEqual(untouched);
    expect(await machine.shell('segue --version; getent group segue | cut -d: -f1; ls /run')).toBe(
      `${version}\nsegue\n`,
    );
  });

  it('brings its own Node.js and libbpf, and ignores NODE_OPTIONS', async () => {
    const { stdout } = await machine.run('env', 'NODE_OPTIONS=--no-such-option', 'segue', '--version');
    expect(stdout).toBe(`${version}\n`);
    expect(await machine.shell('dpkg-query -S /usr/bin/node /usr/bin/nodejs 2>/dev/null || :')).not.toMatch(/segue/);
  });

  it.each(Object.entries(EXPOSURE))('has a valid unit %s with an exposure of at most %d', async (unit, most) => {
    const verified = await machine.run('systemd-analyze', 'verify', '--man=no', `${UNITS}/${unit}`);
    expect(verified).toMatchObject({ status: 0, stderr: '' });
    const { status, stdout } = await machine.run(
      'systemd-analyze',
      'security',
      '--offline=true',
      `--threshold=${most * 10}`,
      `${UNITS}/${unit}`,
    );
    expect({ status, unit, exposure: /exposure level.*/.exec(stdout)?.[0] }).toMatchObject({ status: 0 });
  });

  it("writes the node file, and its agent works with the unit's capabilities", async () => {
    await machine.write('/etc/segue/intent.yaml', readFileSync(join(network.directory, 'intent.yaml'), 'utf8'));
    const made = await machine.run('segue', 'init', '-n', network.netns(NODE));
    expect({ status: made.status, stderr: made.stderr }).toMatchObject({ status: 0 });
    expect(made.stdout).toMatch(/^\/etc\/segue\/node\.yaml: node \S+, uplinks eth0, dataplane /);
    // The others of the network have the fast path alone.
    await machine.shell("sed -i 's/^dataplane: .*/dataplane: ebpf/' /etc/segue/node.yaml");
    await machine.shell("echo 'metadata: { files: true }' >>/etc/segue/node.yaml");
    await machine.startAgent(`${UNITS}/segue.service`);
    await pings();
    // The metadata service reads them, and nobody else. A set-group-ID bit the unit would not let the agent set.
    expect(await machine.shell("stat -c '%a %U %G' /run/segue/*/ports /run/segue/*/ports/* | uniq")).toBe(
      '750 root segue-metadata\n640 root segue-metadata\n',
    );
    // What somebody breaks it repairs, by the same capabilities.
    await network.shell(NODE, 'nft delete table inet segue; nft delete table inet segue_edge');
    await expectEventually(async () => (await machine.run('segue', 'diff')).status === 0);
    expect(await network.shell(NODE, 'nft list tables')).toContain('segue_edge');
    expect(await machine.log()).not.toMatch(/EPERM|not permitted/i);
  });

  it('is upgraded and downgraded without packet loss', async () => {
    const directions = [
      { from: 't100-2', to: 't100-1', address: '10.0.0.1' },
      { from: 't100-1', to: 't100-2', address: 'cafe::2' },
    ];
    const full = await droppedByQueues(network, WAY);
    const stream = await Stream.start(network, directions, PACKETS_PER_SECOND / directions.length);
    await stream.flows(PATIENCE_MS);
    for (const file of [laterDeb, deb]) {
      await machine.dpkg('-i', `/mnt/${file}`);
      // Where there is systemd postinst does this.
      await machine.stopAgent();
      await machine.startAgent(`${UNITS}/segue.service`);
    }
    await stream.flows(PATIENCE_MS);
    const dropped = (await droppedByQueues(network, WAY)) - full;
    const { sent, received, holes } = await stream.stop();
    const lost = holes.reduce((total, { packets }) => total + packets, 0);
    process.stdout.write(`${sent} packets sent, ${received} received, ${lost} lost, ${dropped} to full queues\n`);
    expect(received).toBeGreaterThan(PACKETS_PER_SECOND);
    // Queues that are full drop on a machine that others keep busy; nothing else may.
    expect(lost).toBeLessThanOrEqual(dropped);
  });

  it("stops all of its units before removal, including those of every node's metadata service", async () => {
    // No systemd runs here (scripts/try-debian has one): what the script asks of it is written down.
    const asked = await machine.shell(`mkdir -p /run/systemd/system /tmp/bin
      printf '#!/bin/sh\\necho "$@" >>/tmp/asked\\n' >/tmp/bin/systemctl
      chmod +x /tmp/bin/systemctl
      PATH=/tmp/bin:$PATH /var/lib/dpkg/info/segue.prerm remove
      rm -r /run/systemd
      cat /tmp/asked`);
    expect(asked).toContain(
      'stop segue-metadata@*.socket segue-metadata@*.service segue-dns@*.socket segue-dns@*.service\n',
    );
    for (const unit of ['segue.service', 'segue-edge.service', 'segue-report.timer']) {
      expect(asked).toMatch(new RegExp(`stop .*\\b${unit}`));
    }
    // As who enabled it by hand left it.
    await machine.shell(`mkdir -p /etc/systemd/system/sockets.target.wants
      ln -s ${UNITS}/segue-metadata@.socket /etc/systemd/system/sockets.target.wants/segue-metadata@hv1.socket`);
  });

  it('leaves forwarding in place after removal, and says so', async () => {
    await machine.stopAgent();
    expect(await machine.dpkg('--remove', 'segue')).toContain('To end it: apt purge segue');
    expect((await machine.run('segue', '--version')).status).toBe(127);
    await pings();
  });

  it('leaves nothing after a purge', async () => {
    await machine.dpkg('--purge', 'segue');
    expect(differencesOf(untouched, lasting(await snapshot(network, NODE)))).toEqual({ gone: [], come: [] });
    expect(
      await machine.shell(
        'ls -d /etc/segue /run/segue /var/lib/segue /usr/lib/segue* /sys/fs/bpf/segue 2>/dev/null || :',
      ),
    ).toBe('');
    expect(await machine.shell('getent group segue segue-metadata || :; getent passwd segue-metadata || :')).toBe('');
    const left = (await machine.changed()).filter((path) => !before.includes(path) && !DPKG.test(path));
    expect(left).toEqual([]);
  });
});

/** What dpkg, and programs of others that it runs, write down. */
const DPKG = /^\/(var\/(lib\/dpkg|log|cache)\/|etc\/(passwd|shadow|subuid|subgid|group|gshadow|\.pwd\.lock))/;

/** What does not change by itself. */
function lasting(objects: Snapshot): Snapshot {
  return objects.filter((object) => !/fe80|ff00|multicast/.test(object));
}

async function expectEventually(holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await holds()); await sleep(100)) {
    expect(performance.now(), 'it did not come to hold').toBeLessThan(end);
  }
}
