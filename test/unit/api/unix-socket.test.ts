import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenOnSocket } from '../../../src/api/unix-socket.js';
import { groupNumber } from '../../../src/kernel/groups.js';
import type { Server } from 'node:net';

describe('the socket', () => {
  let directory: string;
  const servers: Server[] = [];
  const server = (): Server => {
    const made = createServer();
    servers.push(made);
    return made;
  };
  const path = (): string => join(directory, 'api.sock');
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'segue-socket-'));
  });
  afterEach(() => {
    for (const one of servers.splice(0)) one.close();
    rmSync(directory, { recursive: true });
  });

  it('is accessible to its owner and group, and removable', async () => {
    const group = statSync(directory).gid;
    const remove = await listenOnSocket(server(), path(), group);
    expect(statSync(path())).toMatchObject({ mode: 0o140660, gid: group });
    expect(statSync(directory).mode & 0o777).toBe(0o710);
    remove();
    expect(statSync(path(), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('replaces a dead one, whose removal leaves the new file', async () => {
    const first = server();
    const removeFirst = await listenOnSocket(first, path(), undefined);
    await new Promise((resolve) => first.close(resolve));
    const { ino } = statSync(path());
    await listenOnSocket(server(), path(), undefined);
    expect(statSync(path()).ino).not.toBe(ino);
    removeFirst();
    expect(statSync(path()).isSocket()).toBe(true);
  });

  it.each([
    ['a live socket', () => listenOnSocket(server(), path(), undefined), 'another process answers there'],
    ['a regular file', () => Promise.resolve(writeFileSync(path(), '')), 'expected a socket or nothing'],
  ])('does not replace %s', async (_name, before, message) => {
    await before();
    const { ino } = statSync(path());
    await expect(listenOnSocket(server(), path(), undefined)).rejects.toThrow(`${path()}: ${message}`);
    expect(statSync(path()).ino).toBe(ino);
  });

  it('refuses a path longer than the kernel allows', async () => {
    const long = join(directory, 'x'.repeat(100));
    await expect(listenOnSocket(server(), long, undefined)).rejects.toThrow('expected a path of less than 104 bytes');
  });
});

it("groupNumber() reads a group's number", () => {
  const file = join(mkdtempSync(join(tmpdir(), 'segue-group-')), 'group');
  writeFileSync(file, 'root:x:0:\nseguex:x:7:\nsegue:x:991:ann\n');
  expect(groupNumber('segue', file)).toBe(991);
  expect(groupNumber('none', file)).toBeUndefined();
  expect(groupNumber('segue', `${file}.absent`)).toBeUndefined();
});
