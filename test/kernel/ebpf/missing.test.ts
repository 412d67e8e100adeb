/** `show` and `doctor` on a machine without something that segue needs, and on a node with nothing to forward. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Diagnosis } from '../../../src/observe/doctor/types.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const NO_LIBBPF = { LIBBPF_PATH: '/nowhere/libbpf.so.1' };

describe('show and doctor', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));

  beforeAll(() => {
    network.files();
  });

  const segue = (
    args: string[],
    env: Record<string, string> = {},
  ): { status: number | null; stdout: string; stderr: string } => {
    const argv = [SEGUE, ...args, '-c', join(network.directory, 'hv1.yaml')];
    return spawnSync(process.execPath, argv, { encoding: 'utf8', env: { ...process.env, ...env } });
  };
  const diagnosis = (args: string[], env?: Record<string, string>): Map<string, string> => {
    const { checks } = JSON.parse(segue(['doctor', '-j', ...args], env).stdout) as Diagnosis;
    return new Map(checks.map(({ name, status, what }) => [name, `${status} ${what}`]));
  };

  const oldLibbpf = (): Record<string, string> => {
    const source = join(network.directory, 'old.c');
    const library = join(network.directory, 'old.so');
    const version =
      'unsigned libbpf_major_version(void) { return 1; } unsigned libbpf_minor_version(void) { return 2; }';
    writeFileSync(source, version);
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    return { LIBBPF_PATH: library };
  };

  it.each([
    ['no libbpf', () => NO_LIBBPF],
    ['a libbpf that is too old', oldLibbpf],
  ])('with %s, doctor has one failed check and completes the others', (_what, library) => {
    const checks = diagnosis([], library());
    expect(checks.get('agent.dataplane')).toMatch(
      /^fail dataplane: ebpf is not possible: load .*expected libbpf >= 1\.3/,
    );
    expect([...checks.values()].filter((what) => what.startsWith('fail'))).toHaveLength(1);
    expect(checks.get('edge.table')).toMatch(/^ok/);
  });

  it('without libbpf, show reports why the fast path is left out, shows the rest, and fails', () => {
    const { status, stdout, stderr } = segue(['show', 'port'], NO_LIBBPF);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^segue: the fast path cannot be read and is left out: .*expected libbpf >= 1\.3.*\n$/);
    expect(stdout).toMatch(/^t100-1 +t100-1 +t100 +- +UP/m);
    expect(segue(['show', 'fastpath'], NO_LIBBPF).stdout).toContain('unknown: the fast path cannot be read');
  });

  it('without nft, doctor names it as the only cause', () => {
    const checks = diagnosis([], { PATH: '/nowhere' });
    expect(checks.get('node.nft')).toBe('fail nft is not installed');
    expect(checks.get('kernel.guard')).toMatch(/^warn .*: not tried, as nft is not installed$/);
    expect(checks.get('edge.table')).toBe('warn unknown whether nft table inet segue_edge is loaded');
    expect(checks.get('agent.drift')).toMatch(/^fail the kernel cannot be compared/);
  });

  it('doctor reports that the fast path answers packets beyond the MTU', () => {
    expect(diagnosis([]).get('uplink.tenant-mtu')).toBe(
      'ok tenant MTU 1460 < 1500: the fast path answers larger packets with ICMP errors',
    );
  });

  it('doctor reports a port whose interface has no carrier', async () => {
    expect(diagnosis([]).has('agent.ports-down')).toBe(false);
    await network.ip('t100-1', 'link set eth0 down');
    try {
      expect(diagnosis([]).get('agent.ports-down')).toBe(
        'warn 1 of 2 ports are down or have no carrier: t100-1 (t100-1: no-carrier)',
      );
    } finally {
      await network.ip('t100-1', 'link set eth0 up');
    }
  });

  it('a node without ports has nothing to forward and no drift', async () => {
    const intent = {
      ...network.intent(),
      ports: network.intent().ports.filter((p) => p.node !== network.netns('hv1')),
    };
    const file = join(network.directory, 'no-ports.json');
    writeFileSync(file, JSON.stringify(intent));
    await network.purge('hv1');
    await network.apply('hv1', intent);
    expect(segue(['show', 'fastpath', '-f', file]).stdout.split('\n')[0]).toBe(
      'data plane: none: no port of the intent is on this node, so there is nothing to forward',
    );
    expect(diagnosis(['-f', file]).get('agent.drift')).toBe('ok the kernel is as the intent wants it');
  });
});
