/**
 * A command that needs root fails with exit code 1 and one line that names the missing capabilities, and changes
 * nothing.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';

interface Result {
  status: number | undefined;
  stdout: string;
  stderr: string;
}

const directory = mkdtempSync(join(tmpdir(), 'segue-privilege-'));
const path = (name: string): string => join(directory, name);
const NODE = 'sgtprivilege';

/** Each with the words that have it do what takes root; `-c` goes with those that have a node file. */
const TAKE_ROOT: readonly (readonly string[])[] = [
  ['apply'],
  ['apply', '--dry-run'],
  ['diff'],
  ['purge'],
  ['agent'],
  ['edge', 'load'],
  ['show', 'vrf'],
  ['show', 'port', '-j'],
  ['show', 'counters'],
  ['show', 'fastpath'],
  ['show', 'gateway'],
  ['show', 'flow'],
  ['trace', '-p', 'p0', '--to', '10.0.0.2'],
  ['monitor'],
  ['capture'],
  ['doctor'],
  ['init', '-n', NODE, '--uplink', 'eth0', '-o', '-'],
  ['lab', 'up'],
  ['lab', 'down'],
  ['lab', 'run'],
];
/** They ask an agent or other machines, or print. */
const TAKE_NONE = ['version', 'intent', 'feed', 'fleet', 'metadata', 'dns', 'metrics', 'report', 'completion', 'help'];

const NET_ADMIN = 'CAP_NET_ADMIN (interfaces, routes, nftables)';
const BPF = 'CAP_BPF (maps and programs of the fast path), CAP_PERFMON (what programs do with pointers)';
const FILES = "CAP_DAC_OVERRIDE (root's files and pins)";
const NAMESPACES = 'CAP_SYS_ADMIN (network namespaces)';

/** As nobody, with some capabilities. */
async function asNobody(has: readonly string[], words: readonly string[], file: string): Promise<Result> {
  const capabilities = ['-all', ...has.map((name) => `+${name}`)].join();
  const becomes = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const limits = ['--inh-caps', capabilities, '--ambient-caps', capabilities, '--bounding-set', capabilities];
  const files = words[0] === 'lab' ? [] : words[0] === 'init' ? ['-f', path('intent.json')] : ['-c', path(file)];
  const { status, stdout, stderr } = await runIn(undefined, [
    ...becomes,
    ...limits,
    process.execPath,
    SEGUE_COMMAND,
    ...words,
    ...files,
  ]);
  return { status, stdout, stderr };
}
const refused = (lacks: readonly string[]): Result => ({
  status: 1,
  stdout: '',
  stderr: `segue: run as root: this process lacks ${lacks.join(', ')}\n`,
});

beforeAll(() => {
  chmodSync(directory, 0o755);
  const node = (dataplane: string, more = ''): string =>
    `{ node: ${NODE}, uplinks: [eth0], dataplane: ${dataplane}, ${more} intent: intent.json }`;
  writeFileSync(path('kernel.yaml'), node('kernel'));
  writeFileSync(path('ebpf.yaml'), node('ebpf'));
  writeFileSync(path('hybrid.yaml'), node('hybrid'));
  writeFileSync(path('netns.yaml'), node('ebpf', 'netns: nowhere,'));
  writeFileSync(path('secret.yaml'), node('kernel'), { mode: 0o600 });
  writeFileSync(
    path('intent.json'),
    JSON.stringify({
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: [{ name: NODE, locator: 'fd00:5e:1::/48' }],
      tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/8', gateway: '10.255.255.254' }] }],
      ports: [],
    }),
  );
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

it('every command is listed here, as needing root or not', async () => {
  const { stdout } = await runIn(undefined, [process.execPath, SEGUE_COMMAND, '--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, name = '']) => name);
  const known = new Set([...TAKE_ROOT.map(([name = '']) => name), ...TAKE_NONE]);
  expect(new Set(commands)).toEqual(known);
});

describe.each(TAKE_ROOT.map((words) => ({ words, name: words.join(' ') })))('segue $name', ({ words }) => {
  const [command = ''] = words;
  const isLab = command === 'lab';
  const isWhole = !['init', 'edge', 'lab'].includes(command);

  it('is refused to an unprivileged user who cannot read the node file', async () => {
    const lacks = [NET_ADMIN, ...(isLab ? [NAMESPACES] : []), FILES, ...(isWhole ? [BPF] : [])];
    expect(await asNobody([], words, 'secret.yaml')).toEqual(refused(lacks));
  });

  it('is refused to a user with CAP_NET_ADMIN only', async () => {
    const lacks = [...(isLab ? [NAMESPACES] : []), FILES, ...(isWhole ? [BPF] : [])];
    expect(await asNobody(['net_admin'], words, 'ebpf.yaml')).toEqual(refused(lacks));
  });
});

describe("a user with CAP_NET_ADMIN who can read root's files", () => {
  const has = ['net_admin', 'dac_override'];

  it.each(['apply', 'diff', 'agent', 'doctor', 'monitor'])('lacks capabilities for %s', async (command) => {
    for (const file of ['ebpf.yaml', 'hybrid.yaml']) {
      expect(await asNobody(has, [command], file)).toEqual(refused([BPF]));
    }
    expect(await asNobody([...has, 'bpf', 'perfmon'], [command], 'netns.yaml')).toEqual(refused([NAMESPACES]));
  });

  it('lacks capabilities for show fastpath', async () => {
    expect(await asNobody(has, ['show', 'fastpath'], 'ebpf.yaml')).toEqual(refused([BPF]));
  });
});
