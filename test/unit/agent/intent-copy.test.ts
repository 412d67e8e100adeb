/** The copy of a node's part of the intent: valid for its node and files, ignored otherwise. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCopy, keepIntentCopy, readIntentCopy } from '../../../src/agent/intent-copy.js';
import { readNodeIntent, signatureOfConfig } from '../../../src/agent/node-intent.js';
import { fileSignature } from '../../../src/intent/signature.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';

let directory: string;
let run: string;
let copy: string;
let config: NodeConfig;

function writeIntent(...names: string[]): void {
  const port = (name: string, at: number, node: string): string =>
    `  - { name: ${name}, tenant: red, node: ${node}, interface: ${name}, mac: "02:00:00:00:00:0${at}", addresses: [10.0.0.${at + 2}] }`;
  const text = [
    'version: 1',
    'sidBlock: fd00:5e::/32',
    'nodes:',
    '  - { name: hv1, locator: fd00:5e:1::/48 }',
    '  - { name: hv2, locator: fd00:5e:2::/48 }',
    'tenants:',
    '  - { name: red, id: 100, subnets: [{ prefix: 10.0.0.0/24, gateway: 10.0.0.1 }] }',
    'ports:',
    ...names.map((name, at) => port(name, at, 'hv1')),
    port('far', 9, 'hv2'),
    '',
  ].join('\n');
  writeFileSync(config.intent, text);
  age();
}

/** A file that was just changed may change again under the same signature: the reader waits for another one, and so would a copy. */
function age(): void {
  const later = performance.now() + 80;
  while (performance.now() < later) statSync(config.intent);
}

function keep(unlessDigest?: string): string {
  const read = readNodeIntent(config, 'node.yaml', { unlessDigest });
  keepIntentCopy(run, config, read, '');
  return read.digest;
}

function portsOf(intent: Intent | undefined): string[] | undefined {
  return intent?.ports.map(({ name }) => name);
}

const taken = (): string[] | undefined => portsOf(readIntentCopy(run, config, fileSignature(config.intent)));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-copy-'));
  run = join(directory, 'run');
  copy = join(run, 'intent-copy');
  config = {
    node: 'hv1',
    uplinks: ['eth0'],
    dataplane: 'ebpf',
    xdp: 'never',
    behaviours: ['dt46'],
    intent: join(directory, 'intent.yaml'),
  };
  writeIntent('a', 'b');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('the copy of an intent', () => {
  it("contains all of the node's part but ports on other nodes, and is readable by its owner only", () => {
    keep();
    const whole = readNodeIntent(config, 'node.yaml').intent;
    expect(portsOf(whole)).toEqual(['a', 'b', 'far']);
    expect(readIntentCopy(run, config, fileSignature(config.intent))).toEqual({
      ...whole,
      ports: whole?.ports.filter(({ node }) => node === 'hv1'),
    });
    expect(statSync(copy).mode & 0o777).toBe(0o600);
  });

  it('is ignored after a change of the file, and renewed after a touch', () => {
    const digest = keep();
    writeIntent('a', 'c');
    expect(taken()).toBeUndefined();
    writeIntent('a', 'b');
    expect(taken()).toBeUndefined();
    expect(keep(digest)).toBe(digest);
    expect(taken()).toEqual(['a', 'b']);
    // The same size and the same time of change as far as `cp -p` sets it.
    const { atime, mtime } = statSync(config.intent);
    writeIntent('a', 'c');
    utimesSync(config.intent, atime, mtime);
    expect(taken()).toBeUndefined();
  });

  it('is ignored while the file may change under the same signature', () => {
    writeFileSync(config.intent, readFileSync(config.intent));
    const digest = keep();
    expect(taken()).toBeUndefined();
    age();
    keep(digest);
    expect(taken()).toEqual(['a', 'b']);
  });

  it('is valid for one node and one file', () => {
    keep();
    const signature = fileSignature(config.intent);
    expect(readIntentCopy(run, { ...config, node: 'hv2' }, signature)).toBeUndefined();
    expect(readIntentCopy(run, { ...config, intent: '/elsewhere' }, signature)).toBeUndefined();
  });

  const damages: Record<string, () => void> = {
    'is truncated': () => {
      writeFileSync(copy, readFileSync(copy, 'utf8').slice(0, -10));
    },
    'is altered': () => {
      writeFileSync(copy, readFileSync(copy, 'utf8').replace('"name":"a"', '"name":"z"'));
    },
    'is of another version': () => {
      writeFileSync(copy, readFileSync(copy, 'utf8').replace('"version":"', '"version":"9'));
    },
    'is empty': () => {
      writeFileSync(copy, '');
    },
    'is a directory': () => {
      rmSync(copy);
      mkdirSync(copy);
    },
    'is a pipe': () => {
      rmSync(copy);
      execFileSync('mkfifo', [copy]);
    },
    'is a symbolic link': () => {
      renameSync(copy, `${copy}.real`);
      symlinkSync(`${copy}.real`, copy);
    },
    'is writable by others': () => {
      chmodSync(copy, 0o622);
    },
    'is missing': () => {
      rmSync(copy);
    },
  };
  it.each(Object.keys(damages))('is ignored if it %s', (name) => {
    keep();
    expect(taken()).toEqual(['a', 'b']);
    damages[name]?.();
    expect(taken()).toBeUndefined();
  });

  describe('found through the node file', () => {
    const nodeFile = (): string => join(directory, 'hv1.yaml');
    const writeNode = (mtu: number): void => {
      const { node, uplinks, dataplane, xdp, behaviours } = config;
      writeFileSync(
        nodeFile(),
        JSON.stringify({ node, uplinks, dataplane, xdp, behaviours, mtu, intent: config.intent }),
      );
      age();
    };
    const found = (): { mtu: number | undefined; ports: string[] | undefined } | undefined => {
      const files = findCopy(directory, nodeFile());
      return files && { mtu: files.config.mtu, ports: portsOf(files.intent) };
    };
    const keepFor = (mtu: number): void => {
      const wanted = { ...config, mtu };
      const read = readNodeIntent(wanted, nodeFile());
      keepIntentCopy(run, wanted, read, signatureOfConfig(wanted, nodeFile()));
    };

    beforeEach(() => {
      // A node's directory has its name.
      run = join(directory, config.node);
      copy = join(run, 'intent-copy');
      writeNode(1600);
    });

    it("has the node file's settings and ports", () => {
      keepFor(1600);
      expect(found()).toEqual({ mtu: 1600, ports: ['a', 'b'] });
      expect(findCopy(directory, config.intent)).toBeUndefined();
      expect(findCopy(join(directory, 'nowhere'), nodeFile())).toBeUndefined();
    });

    it('is ignored after a change of either file', () => {
      keepFor(1600);
      writeNode(1700);
      expect(found()).toBeUndefined();
      keepFor(1700);
      expect(found()).toEqual({ mtu: 1700, ports: ['a', 'b'] });
      writeIntent('a', 'c');
      expect(found()).toBeUndefined();
    });

    it("is ignored when the node runs with other settings than the file's", () => {
      keepFor(1500);
      expect(found()).toBeUndefined();
      expect(portsOf(readIntentCopy(run, config, fileSignature(config.intent)))).toEqual(['a', 'b']);
    });

    it("is ignored when its settings were altered, or in another node's directory", () => {
      keepFor(1600);
      const text = readFileSync(copy, 'utf8');
      writeFileSync(copy, text.replace('"mtu":1600', '"mtu":1601'));
      expect(found()).toBeUndefined();
      writeFileSync(copy, text);
      expect(found()).toBeDefined();
      renameSync(run, join(directory, 'hv2'));
      expect(found()).toBeUndefined();
    });
  });

  it('is ignored when another user owns it', () => {
    keep();
    chownSync(copy, 65534, 65534);
    expect(taken()).toBeUndefined();
  });

  it('is not needed: a failure to write it is ignored', () => {
    writeFileSync(run, 'no directory');
    keep();
    expect(taken()).toBeUndefined();
  });
});
