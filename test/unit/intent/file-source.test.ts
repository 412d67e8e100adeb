/** FileSource with real files and inotify, and the ways that people and programs use to replace a file. */
import {
  appendFileSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IntentError } from '../../../src/intent/errors.js';
import { INTENT_MODEL } from '../../../src/app/features.js';
import { FileSource, type FileSourceOptions } from '../../../src/intent/file-source.js';
import { loadIntentText } from '../../../src/app/intent.js';
import { type LoadedIntent } from '../../../src/intent/load.js';
import type { IntentEvent } from '../../../src/intent/source.js';
import type { Intent } from '../../../src/intent/types.js';
import { watchedDirectories } from '../../../src/intent/watch-paths.js';

const DEADLINE_MS = 60_000;
/** Events are given in the test's way of speaking. */
type Told = string;

let directory: string;
let file: string;
let source: FileSource | undefined;
let told: Told[];

/** An intent with these nodes. */
function text(...nodes: string[]): string {
  const lines = nodes.map((name, i) => `  - { name: ${name}, locator: fd00:5e:${i + 1}::/48 }`);
  return ['version: 1', 'sidBlock: fd00:5e::/32', 'nodes:', ...lines, 'tenants: []', 'ports: []', ''].join('\n');
}

function tell(event: IntentEvent): Told {
  const names = (intent: Intent) => intent.nodes.map(({ name }) => name).join(' ');
  switch (event.type) {
    case 'snapshot':
      return `snapshot: ${names(event.intent)}`;
    case 'change':
      // A node's outer source comes and goes with it.
      return `change: ${event.changes
        .filter(({ kind }) => kind !== 'source')
        .map((c) => `${c.before ? '-' : ''}${c.after ? '+' : ''}${c.key}`)
        .join(' ')}`;
    case 'error':
      return `error: ${event.error.message.split('\n')[0]?.replace(`${directory}/`, '') ?? ''}`;
  }
}

/** The interval is out of the way unless a test is about it: only watches can then be quick. */
async function start(
  options: Omit<FileSourceOptions, 'model'> = { debounceMs: 40, restatIntervalMs: 3_600_000 },
): Promise<void> {
  source = new FileSource(file, { model: INTENT_MODEL, ...options });
  await source.start((event) => told.push(tell(event)));
}

/** Waits until so many events came, and a little longer: there must be no more. */
async function hear(count: number, quietMs = 400): Promise<Told[]> {
  const deadline = Date.now() + DEADLINE_MS;
  while (told.length < count && Date.now() < deadline) await sleep(10);
  await sleep(quietMs);
  return told.splice(0);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-source-'));
  file = join(directory, 'intent.yaml');
  told = [];
});

afterEach(() => {
  source?.close();
  source = undefined;
  rmSync(directory, { recursive: true, force: true });
});

describe('FileSource', { timeout: 300_000 }, () => {
  it('emits a snapshot before start() resolves, and changes afterwards', async () => {
    writeFileSync(file, text('a'));
    await start();
    expect(told.splice(0)).toEqual(['snapshot: a']);
    writeFileSync(file, text('a', 'b'));
    expect(await hear(1)).toEqual(['change: +b']);
    writeFileSync(file, text('b'));
    // b has the locator that was a's.
    expect(await hear(1)).toEqual(['change: -a -+b']);
    expect(source?.intent?.nodes.map(({ name }) => name)).toEqual(['b']);
  });

  it('sees an editor rename a new file over the old one, repeatedly', async () => {
    writeFileSync(file, text('a'));
    await start();
    for (const name of ['b', 'c', 'd']) {
      writeFileSync(`${file}.tmp`, text('a', name));
      renameSync(`${file}.tmp`, file);
      expect((await hear(1)).join()).toContain(`+${name}`);
    }
  });

  it('sees an editor that renames the old file first', async () => {
    writeFileSync(file, text('a'));
    await start();
    told = [];
    renameSync(file, `${file}~`);
    writeFileSync(file, text('a', 'b'));
    expect((await hear(1)).at(-1)).toBe('change: +b');
  });

  it('reads a file only when complete, although it is truncated and written in pieces', async () => {
    writeFileSync(file, text('a'));
    // Longer than a pause between two pieces is on a busy machine.
    await start({ debounceMs: 700, restatIntervalMs: 3_600_000 });
    told = [];
    const whole = text('a', 'b', 'c');
    const fd = openSync(file, 'w');
    for (let at = 0; at < whole.length; at += 40) {
      writeSync(fd, whole.slice(at, at + 40));
      await sleep(1);
    }
    closeSync(fd);
    expect(await hear(1, 1500)).toEqual(['change: +b +c']);
  });

  it('sees swapped symbolic links, as of a Kubernetes ConfigMap', async () => {
    // intent.yaml -> ..data/intent.yaml, ..data -> ..v1
    const version = (name: string, content: string): void => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'intent.yaml'), content);
    };
    version('..v1', text('a'));
    symlinkSync('..v1', join(directory, '..data'));
    symlinkSync('..data/intent.yaml', file);
    await start();
    expect(told.splice(0)).toEqual(['snapshot: a']);
    for (const [n, previous, name] of [
      ['..v2', '..v1', 'b'],
      ['..v3', '..v2', 'c'],
    ] as const) {
      version(n, text('a', name));
      symlinkSync(n, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
      rmSync(join(directory, previous), { recursive: true });
      expect((await hear(1)).join()).toContain(`+${name}`);
    }
    // The file behind both links, written in place.
    writeFileSync(join(directory, '..v3', 'intent.yaml'), text('a', 'c', 'd'));
    expect(await hear(1)).toEqual(['change: +d']);
  });

  it('sees a link to another directory change its target', async () => {
    for (const n of ['one', 'two']) mkdirSync(join(directory, n));
    writeFileSync(join(directory, 'one/intent.yaml'), text('a'));
    writeFileSync(join(directory, 'two/intent.yaml'), text('a', 'b'));
    symlinkSync('one', join(directory, 'current'));
    file = join(directory, 'current/intent.yaml');
    await start();
    told = [];
    symlinkSync('two', join(directory, 'next'));
    renameSync(join(directory, 'next'), join(directory, 'current'));
    expect(await hear(1)).toEqual(['change: +b']);
  });

  it('waits for a missing file, and for its directory', async () => {
    file = join(directory, 'etc/segue/intent.yaml');
    await start();
    expect(told.splice(0)).toEqual(['error: etc/segue/intent.yaml: no such file: expected a file that can be read']);
    mkdirSync(join(directory, 'etc'));
    await sleep(200);
    mkdirSync(join(directory, 'etc/segue'));
    await sleep(200);
    writeFileSync(file, text('a'));
    expect(await hear(1)).toEqual(['snapshot: a']);
  });

  it('reports an invalid file once, retains the last intent, and reports the recovery', async () => {
    writeFileSync(file, text('a'));
    await start();
    told = [];
    writeFileSync(file, `${text('a')}oops: 1\n`);
    expect(await hear(1)).toEqual([
      'error: intent.yaml:7:1: "oops": expected one of the keys version, sidBlock, trusted, nodes, tenants, ports, paths, gateways, externals, policies',
    ]);
    expect(source?.intent?.nodes).toHaveLength(1);
    // The same again is not news; another error is.
    writeFileSync(`${file}.tmp`, `${text('a')}oops: 1\n`);
    renameSync(`${file}.tmp`, file);
    expect(await hear(0, 600)).toEqual([]);
    unlinkSync(file);
    expect(await hear(1)).toEqual(['error: intent.yaml: no such file: expected a file that can be read']);
    writeFileSync(file, text('a'));
    expect(await hear(1)).toEqual(['change: ']);
    writeFileSync(file, text('a', 'b'));
    expect(await hear(1)).toEqual(['change: +b']);
  });

  it('emits nothing for unchanged content, or a change without effect', async () => {
    writeFileSync(file, text('a', 'b'));
    await start();
    told = [];
    utimesSync(file, new Date(), new Date());
    writeFileSync(`${file}.tmp`, text('a', 'b'));
    renameSync(`${file}.tmp`, file);
    appendFileSync(file, '# a comment\n');
    writeFileSync(join(directory, 'unrelated'), 'x');
    expect(await hear(0, 800)).toEqual([]);
  });

  it('coalesces many writes', async () => {
    writeFileSync(file, text('a'));
    await start({ debounceMs: 150, restatIntervalMs: 3_600_000 });
    told = [];
    for (let i = 0; i < 20; i++) {
      writeFileSync(file, text('a', `n${i}`));
      await sleep(5);
    }
    const events = await hear(1, 1500);
    // On a slow machine the writes take longer than the reading is put off.
    expect(events.length).toBeLessThanOrEqual(4);
    expect(events.at(-1)).toMatch(/\+n19$/);
  });

  it('is not delayed forever by a busy directory', async () => {
    writeFileSync(file, text('a'));
    await start({ debounceMs: 200, restatIntervalMs: 3_600_000 });
    told = [];
    const busy = setInterval(() => writeFileSync(join(directory, 'log'), 'x'), 20);
    try {
      writeFileSync(file, text('a', 'b'));
      expect(await hear(1)).toEqual(['change: +b']);
    } finally {
      clearInterval(busy);
    }
  });

  it('detects a write of the same size right after the first read', async () => {
    writeFileSync(file, text('a'));
    await start();
    told = [];
    writeFileSync(file, text('b'));
    expect(await hear(1)).toEqual(['change: -a +b']);
  });

  it('finds by polling what inotify does not report', async () => {
    // A write through a hard link elsewhere raises no event in the file's directory, as little as a network file system.
    writeFileSync(file, text('a'));
    mkdirSync(join(directory, 'elsewhere'));
    linkSync(file, join(directory, 'elsewhere/intent.yaml'));
    await start({ debounceMs: 20, restatIntervalMs: 300 });
    await sleep(200);
    told = [];
    writeFileSync(join(directory, 'elsewhere/intent.yaml'), text('a', 'b'));
    expect(await hear(1)).toEqual(['change: +b']);
  });

  it('reads on demand, and reports the intent or error of its reader', async () => {
    writeFileSync(file, text('a', 'b'));
    const read = (unlessDigest: string | undefined): LoadedIntent => {
      const { digest, intent } = loadIntentText(file, unlessDigest);
      if (intent === undefined) return { digest };
      if (!intent.nodes.some(({ name }) => name === 'a')) throw new IntentError('node.yaml', []);
      return { digest, intent: { ...intent, nodes: intent.nodes.filter(({ name }) => name === 'a') } };
    };
    await start({ debounceMs: 40, restatIntervalMs: 3_600_000, read });
    expect(told.splice(0)).toEqual(['snapshot: a']);
    writeFileSync(file, text('a', 'c'));
    source?.reload();
    expect(await hear(0)).toEqual([]);
    writeFileSync(file, text('c'));
    expect(await hear(1)).toEqual(['error: ']);
    expect(source?.intent?.nodes).toHaveLength(1);
  });

  it('emits nothing after close()', async () => {
    writeFileSync(file, text('a'));
    await start();
    told = [];
    writeFileSync(file, text('b'));
    source?.close();
    source?.reload();
    expect(await hear(0, 600)).toEqual([]);
  });
});

describe('watchedDirectories', { timeout: 300_000 }, () => {
  it('are those whose entries decide the target of the path', () => {
    mkdirSync(join(directory, 'real/deep'), { recursive: true });
    symlinkSync('real', join(directory, 'link'));
    writeFileSync(join(directory, 'real/deep/target.yaml'), '');
    symlinkSync('../link/deep/target.yaml', join(directory, 'real/intent.yaml'));
    const names = (path: string) =>
      [...watchedDirectories(join(directory, path))].map((name) => name.slice(directory.length)).sort();
    expect(names('real/deep/target.yaml')).toEqual(['/real/deep']);
    expect(names('real/deep/absent.yaml')).toEqual(['/real/deep']);
    expect(names('real/none/absent.yaml')).toEqual(['/real']);
    expect(names('link/deep/target.yaml')).toEqual(['', '/real/deep']);
    expect(names('real/intent.yaml')).toEqual(['', '/real', '/real/deep']);
    symlinkSync('loop', join(directory, 'loop'));
    expect(names('loop/x')).toEqual(['']);
    symlinkSync('nowhere/x', join(directory, 'dangling'));
    expect(names('dangling')).toEqual(['']);
  });
});
