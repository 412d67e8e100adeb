import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diagnosisLines } from '../../../src/cli/doctor.js';
import { networkdLacks, networkManagerKeepsOff } from '../../../src/observe/doctor/managers.js';
import { olderThan } from '../../../src/observe/doctor/probes.js';
import { agentConfig } from '../../../src/observe/doctor/processes.js';
import { readForeignRules } from '../../../src/observe/doctor/ruleset.js';
import { listed } from '../../../src/reconcile/findings.js';

describe('diagnosisLines', () => {
  it('groups checks, and shows remedies for failed ones', () => {
    const lines = diagnosisLines({
      node: 'hv1',
      ok: 2,
      warn: 1,
      fail: 0,
      checks: [
        { group: 'kernel', name: 'kernel.vrf', status: 'ok', what: 'VRF devices' },
        { group: 'uplink', name: 'uplink.up.eth0', status: 'ok', what: 'eth0 up, mtu 1500' },
        {
          group: 'uplink',
          name: 'uplink.tenant-mtu',
          status: 'warn',
          what: 'tenant MTU 1460 < 1500',
          advice: 'raise it',
        },
      ],
    });
    expect(lines).toEqual([
      'kernel',
      '  ok    VRF devices',
      'uplink',
      '  ok    eth0 up, mtu 1500',
      '  warn  tenant MTU 1460 < 1500',
      '        raise it',
      'hv1: 2 ok, 1 warning, 0 failures',
    ]);
  });
});

describe('olderThan', () => {
  it.each([
    ['5.13.0-51-generic', '5.14', true],
    ['5.14.0', '5.14', false],
    ['6.1.0-18-amd64', '5.14', false],
    ['6.12.94+deb12-cloud-amd64', '6.6', false],
    ['4.19.0', '4.4', false],
  ])('%s than %s: %s', (running, version, older) => {
    expect(olderThan(running, version)).toBe(older);
  });
});

describe('agentConfig', () => {
  const config = (line: string, cwd = '/nowhere'): string | undefined =>
    agentConfig({ argv: line.split(' '), cwd }, '/etc/segue/node.yaml');

  it('recognises an agent by each form of its command line', () => {
    expect(config('node /opt/segue/bin/segue agent')).toBe('/etc/segue/node.yaml');
    expect(config('/usr/bin/node /x/dist/bin/main.js agent -c hv1.yaml')).toBe('/nowhere/hv1.yaml');
    expect(config('segue agent --config=/a/b.yaml --log-level debug')).toBe('/a/b.yaml');
    expect(config('segue agent -c/a/b.yaml')).toBe('/a/b.yaml');
  });

  it('recognises no other process as an agent', () => {
    expect(config('segue apply -c agent')).toBeUndefined();
    expect(config('ssh-agent agent')).toBeUndefined();
    expect(config('agent')).toBeUndefined();
  });
});

describe('readForeignRules', () => {
  const chain = (family: string, table: string, name: string, more: object = {}): object => ({
    chain: { family, table, name, handle: 1, ...more },
  });
  const rule = (family: string, table: string, chainName: string, expr: object[]): object => ({
    rule: { family, table, chain: chainName, handle: 2, expr },
  });
  const invalid = (right: unknown, op = 'in'): object => ({ match: { op, left: { ct: { key: 'state' } }, right } });
  const read = (...entries: object[]): ReturnType<typeof readForeignRules> =>
    readForeignRules(JSON.stringify({ nftables: [{ metainfo: {} }, ...entries] }));
  const forward = { type: 'filter', hook: 'forward', prio: 0 };

  it("names other tables' forward chains with policy drop", () => {
    const found = read(
      chain('ip', 'filter', 'FORWARD', { ...forward, policy: 'drop' }),
      chain('inet', 'firewalld', 'filter_FORWARD', { ...forward, policy: 'accept' }),
      chain('inet', 'segue', 'forward', { ...forward, policy: 'drop' }),
      chain('bridge', 'filter', 'FORWARD', { ...forward, policy: 'drop' }),
      chain('ip6', 'filter', 'INPUT', { type: 'filter', hook: 'input', policy: 'drop' }),
    );
    expect(found.forwardDrops).toEqual(['ip filter FORWARD']);
  });

  it('names chains that drop ct state invalid, alone or in a set', () => {
    const found = read(
      chain('inet', 'firewalld', 'filter_FORWARD', forward),
      chain('ip', 'filter', 'ufw'),
      chain('ip', 'filter', 'other'),
      rule('inet', 'firewalld', 'filter_FORWARD', [invalid('invalid'), { drop: null }]),
      rule('ip', 'filter', 'ufw', [invalid({ set: ['invalid', 'untracked'] }), { counter: {} }, { reject: {} }]),
      rule('ip', 'filter', 'other', [invalid('invalid', '!='), { drop: null }]),
      rule('ip', 'filter', 'other', [invalid('established'), { accept: null }]),
    );
    expect(found.invalidDrops).toEqual(['inet firewalld filter_FORWARD', 'ip filter ufw']);
  });
});

describe('network managers', () => {
  const shipped = (file: string): string =>
    readFileSync(new URL(`../../../packaging/${file}`, import.meta.url), 'utf8');

  it("pass with segue's drop-in files", () => {
    expect(networkdLacks(shipped('systemd-networkd/50-segue.conf'))).toEqual([]);
    expect(networkManagerKeepsOff(shipped('NetworkManager/50-segue.conf'))).toBe(true);
  });

  it('are named when a setting is missing, commented out, or overridden later', () => {
    const text = '[Network]\nManageForeignRoutes=no\n#ManageForeignRoutingPolicyRules=no\n';
    expect(networkdLacks(text)).toEqual(['ManageForeignRoutingPolicyRules']);
    expect(networkdLacks(`${text}ManageForeignRoutingPolicyRules=off\nManageForeignRoutes=yes\n`)).toEqual([
      'ManageForeignRoutes',
    ]);
    expect(networkManagerKeepsOff('#unmanaged-devices=interface-name:sg-*\n')).toBe(false);
    expect(networkManagerKeepsOff('unmanaged-devices=interface-name:tap*\n')).toBe(false);
  });
});

describe('listed()', () => {
  it('limits the length of a line', () => {
    expect(listed(['a', 'b'])).toBe('a, b');
    expect(listed(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more');
  });
});
