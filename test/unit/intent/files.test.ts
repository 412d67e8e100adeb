/** Errors of a file before its text is read, with real files. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_JSON_BYTES, MAX_YAML_BYTES } from '../../../src/intent/bounds.js';
import { IntentError } from '../../../src/intent/errors.js';
import { checkNodeInIntent, loadIntent, parseIntent } from '../../../src/app/intent.js';
import { loadNodeConfig } from '../../../src/intent/load.js';
import { printable } from '../../../src/intent/printable.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-intent-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Message of the refusal without the directory. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof IntentError)) throw error;
    return error.message.replaceAll(`${directory}/`, '');
  }
  return 'accepted';
}

const EMPTY = { version: 1, sidBlock: 'fd00:5e::/32', nodes: [], tenants: [], ports: [] };

describe('files', { timeout: 300_000 }, () => {
  it('are reported by name when missing', () => {
    expect(refusal(() => loadIntent(join(directory, 'intent.yaml')))).toBe(
      'intent.yaml: no such file: expected a file that can be read',
    );
    expect(refusal(() => loadNodeConfig(join(directory, 'node.yaml')))).toBe(
      'node.yaml: no such file: expected a file that can be read',
    );
  });

  it('are refused without blocking if a FIFO or a socket', async () => {
    execFileSync('mkfifo', [join(directory, 'f.yaml')]);
    expect(refusal(() => loadIntent(join(directory, 'f.yaml')))).toBe(
      'f.yaml: a pipe (FIFO): expected a regular file; reading anything else may block',
    );
    const server = createServer().listen(join(directory, 's.yaml'));
    await once(server, 'listening');
    expect(refusal(() => loadNodeConfig(join(directory, 's.yaml')))).toBe(
      's.yaml: a socket, or a device that does not exist: expected a file that can be read',
    );
    server.close();
  });

  it('have control characters escaped and long values cut in messages', () => {
    const name = '\u001b[31mred\u009b\u202e\n'.padEnd(100_000, 'x');
    const nodes = [0, 1].map((i) => ({ name, locator: `fd00:5e:${i}::/48` }));
    const file = join(directory, 'intent.json');
    writeFileSync(file, JSON.stringify({ ...EMPTY, nodes, [`k\u001b${'y'.repeat(50_000)}`]: 1 }));
    const message = refusal(() => loadIntent(file));
    expect(printable(message.replaceAll('\n', ''))).toBe(message.replaceAll('\n', ''));
    expect(Math.max(...message.split('\n').map((line) => line.length))).toBeLessThan(700);
    expect(message).toContain('\\u001b[31mred');
  });

  it('are refused if a directory, a device, a loop of links, or a path through a file', () => {
    mkdirSync(join(directory, 'd.yaml'));
    expect(refusal(() => loadIntent(join(directory, 'd.yaml')))).toBe(
      'd.yaml: a directory: expected a regular file; reading anything else may block',
    );
    expect(refusal(() => loadIntent('/dev/zero'))).toBe(
      '/dev/zero: a device: expected a regular file; reading anything else may block',
    );
    symlinkSync('loop.yaml', join(directory, 'loop.yaml'));
    expect(refusal(() => loadIntent(join(directory, 'loop.yaml')))).toBe(
      'loop.yaml: too many symbolic links: expected a file that can be read',
    );
    writeFileSync(join(directory, 'f'), '');
    expect(refusal(() => loadIntent(join(directory, 'f/intent.yaml')))).toBe(
      'f/intent.yaml: no such file (a part of the path is no directory): expected a file that can be read',
    );
  });

  it('are refused if not UTF-8', () => {
    const file = join(directory, 'intent.yaml');
    writeFileSync(file, Buffer.from([0x76, 0x65, 0x72, 0xff, 0xfe]));
    expect(refusal(() => loadIntent(file))).toBe('intent.yaml: not UTF-8: expected a text file in UTF-8');
  });

  it('may begin with a byte order mark', () => {
    const file = join(directory, 'intent.json');
    writeFileSync(file, `\ufeff${JSON.stringify(EMPTY)}`);
    expect(loadIntent(file)).toEqual({ ...EMPTY, paths: [] });
  });

  it('are refused as YAML over its limit, with the advice to use JSON', () => {
    const text = `${JSON.stringify(EMPTY)}${' '.repeat(MAX_YAML_BYTES)}`;
    const yaml = join(directory, 'intent.yaml');
    writeFileSync(yaml, text);
    expect(refusal(() => loadIntent(yaml))).toBe(
      `intent.yaml: ${text.length} bytes: expected at most 2097152 bytes of YAML; write larger files as JSON, the same keys in a file named .json`,
    );
    expect(refusal(() => parseIntent(text, { file: 'intent.yaml' }))).toContain(
      'expected at most 2097152 bytes of YAML',
    );
    const json = join(directory, 'intent.json');
    writeFileSync(json, text);
    expect(loadIntent(json)).toEqual({ ...EMPTY, paths: [] });
  });

  it('are refused as JSON over its limit before they are read', () => {
    const json = join(directory, 'intent.json');
    writeFileSync(json, '');
    // A hole: it takes no room, and reading it would take seconds.
    truncateSync(json, MAX_JSON_BYTES + 1);
    expect(refusal(() => loadIntent(json))).toBe(
      'intent.json: 268435457 bytes: expected at most 268435456 bytes of JSON',
    );
  });
});

describe('a node file', { timeout: 300_000 }, () => {
  it('has all default values, and an absolute path of the intent', () => {
    const file = join(directory, 'node.yaml');
    writeFileSync(file, 'node: hv1\nuplinks: [eth0]\nintent: sub/intent.json\n');
    expect(loadNodeConfig(file)).toEqual({
      node: 'hv1',
      uplinks: ['eth0'],
      dataplane: 'hybrid',
      xdp: 'auto',
      behaviours: ['dt46'],
      intent: join(directory, 'sub/intent.json'),
    });
  });

  it('retains an absolute path, and has sorted behaviours', () => {
    const file = join(directory, 'node.yaml');
    writeFileSync(
      file,
      'node: hv1\nuplinks: [b, a]\nintent: /etc/i.yaml\nbehaviours: [dt6, dt4]\nnetns: n1\nmtu: 1500\n',
    );
    expect(loadNodeConfig(file)).toMatchObject({
      uplinks: ['b', 'a'],
      intent: '/etc/i.yaml',
      behaviours: ['dt4', 'dt6'],
      netns: 'n1',
      mtu: 1500,
    });
  });
});

describe('a node file with an intent', { timeout: 300_000 }, () => {
  const config: NodeConfig = {
    node: 'hv1',
    uplinks: ['eth0', 'eth1'],
    dataplane: 'kernel',
    xdp: 'never',
    behaviours: ['dt46'],
    intent: '/intent.yaml',
  };
  const node = (name: string) => ({ name, locator: 'fd00:5e:1::/48', source: 'fd00:5e:1::1' });
  const intent: Intent = {
    version: 1,
    sidBlock: 'fd00:5e::/32',
    nodes: [node('hv1')],
    tenants: [],
    ports: [],
    paths: [],
  };

  it('is accepted if the intent has its node', () => {
    expect(() => checkNodeInIntent(config, intent, 'node.yaml')).not.toThrow();
  });

  it('is refused if the intent lacks its node', () => {
    expect(refusal(() => checkNodeInIntent({ ...config, node: 'hv7' }, intent, 'node.yaml'))).toBe(
      'node.yaml: node: "hv7": expected the name of a node of the intent; did you mean "hv1"?',
    );
  });

  it('is refused if an uplink is a port of its node, but not of another', () => {
    const port = (name: string, on: string) => ({
      ...{ name, tenant: 'red', node: on, interface: 'eth1', mac: '02:00:00:00:00:0a' },
      ...{ addresses: ['10.0.0.10'], prefixes: [] },
    });
    expect(() => checkNodeInIntent(config, { ...intent, ports: [port('a', 'hv2')] }, 'node.yaml')).not.toThrow();
    expect(refusal(() => checkNodeInIntent(config, { ...intent, ports: [port('a', 'hv1')] }, 'node.yaml'))).toBe(
      'node.yaml: uplinks[1]: "eth1": expected an interface that is not a port of the intent; port a has it',
    );
  });
});
