/** `segue feed --with-etcd` runs an etcd on a Unix socket, which ends with the feed and leaves its data. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { Authority, loopbackAddress, newDirectory, removeDirectory } from './etcd.js';
import { CLOUD, portOf } from './intent.js';

const START_MS = 120_000;
const directory = newDirectory();
const authority = new Authority(directory);
const address = loopbackAddress();
const etcd = join(directory, 'etcd');
const tls = authority.issue('feed', [`IP:${address}`]);
const running = new Set<Background>();

function fleetFile(name: string, etcdPart: object): string {
  const file = join(directory, name);
  writeFileSync(file, stringify({ etcd: etcdPart, feed: { listen: `${address}:7179`, tls } }));
  return file;
}

const fleet = fleetFile('fleet.yaml', { directory: 'etcd' });

function segue(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SEGUE_COMMAND, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

async function startFeed(): Promise<Background> {
  const feed = new Background(undefined, [process.execPath, SEGUE_COMMAND, 'feed', '--with-etcd', '-c', fleet]);
  running.add(feed);
  await feed.waitFor(/etcd is running/, START_MS);
  return feed;
}

/** Processes that work in the directory. */
function etcds(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'etcd\n' && readlinkSync(`/proc/${pid}/cwd`) === etcd;
    } catch {
      return false;
    }
  });
}

afterAll(async () => {
  for (const one of running) await one.stop('SIGKILL');
  removeDirectory(directory);
});

it('the embedded etcd runs beside the feed, accessible to its owner only, and its data persist', async () => {
  const feed = await startFeed();
  expect(statSync(etcd).mode & 0o077).toBe(0);
  expect(etcds()).toHaveLength(1);
  const intent = join(directory, 'intent.yaml');
  writeFileSync(intent, stringify({ ...CLOUD, ports: [portOf(1)] }, { aliasDuplicateObjects: false }));
  expect(segue('intent', 'apply', '-c', fleet, '-f', intent)).toMatchObject({ status: 0, stderr: '' });
  await feed.waitFor(/following etcd/, START_MS);
  // However the feed ends, its etcd does.
  running.delete(feed);
  await feed.stop('SIGKILL');
  await expect.poll(etcds, { timeout: START_MS }).toEqual([]);
  const again = await startFeed();
  await again.waitFor(/following etcd/, START_MS);
  expect(segue('intent', 'diff', '-c', fleet, '-f', intent)).toEqual({ status: 0, stdout: '', stderr: '' });
  // One that is killed is started again.
  process.kill(Number(etcds()[0]), 'SIGKILL');
  await again.waitFor(/etcd exited \(SIGKILL\)/, START_MS);
  await expect.poll(() => segue('intent', 'get', '-c', fleet).status, { timeout: START_MS }).toBe(0);
  running.delete(again);
  await again.stop('SIGTERM');
  expect(etcds()).toEqual([]);
});

it('the feed refuses a fleet file without etcd.directory, or with conflicting etcd settings', () => {
  const without = fleetFile('without.yaml', { endpoints: ['http://127.0.0.1:2379'] });
  const started = segue('feed', '--with-etcd', '-c', without);
  expect(started).toMatchObject({
    status: 1,
    stderr: 'segue: the fleet file has no etcd.directory: expected the directory in which --with-etcd keeps its data\n',
  });
  for (const [part, said] of [
    [{ endpoints: ['http://127.0.0.1:2379'], directory: 'x' }, 'expected either endpoints or directory'],
    [{}, 'expected either endpoints or directory'],
    [{ directory: 'x'.repeat(200) }, 'expected a path of at most 95 bytes'],
    [{ directory: 'x', tls: { ...tls } }, 'expected none beside directory, whose etcd is reached by a Unix socket'],
  ] as const) {
    const refused = segue('intent', 'get', '-c', fleetFile('bad.yaml', part));
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain(said);
  }
});
