/** The socket's file: there for whoever may use it, from its first moment on. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

/** Who may ask without being root. */
export const GROUP = 'segue';
const SOCKET_MODE = 0o660;
const ROOT_MODE = 0o600;
const GROUP_SEARCH = 0o010;
/** sun_path of unix(7), with the NUL. */
const SUN_PATH_BYTES = 108;
/** Of the name that the socket has before it has its mode and owner. */
const FRESH = '.new';

/** Number of a group of /etc/group; undefined: there is none. */
export function groupNumber(name: string, file = '/etc/group'): number | undefined {
  try {
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${name}:`));
    const number = line?.split(':')[2];
    return number !== undefined && /^[0-9]+$/.test(number) ? Number(number) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Listens on a socket that its group may use. The file of a dead agent is replaced, never that of a live one.
 *
 * @param group undefined: root alone
 * @param onRefused called where the kernel does not let this process give files to the group: the socket is root's alone then
 * @returns removes the file
 * @throws Error naming the path, where somebody answers there, the path is too long or is something else than a socket
 */
export async function listenOnSocket(
  server: Server,
  path: string,
  group: number | undefined,
  onRefused: (error: Error) => void = () => undefined,
): Promise<() => void> {
  if (Buffer.byteLength(path + FRESH) >= SUN_PATH_BYTES) {
    throw new Error(`${path}: expected a path of less than ${SUN_PATH_BYTES - FRESH.length} bytes (unix(7))`);
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isSocket()) throw new Error(`${path}: expected a socket or nothing`);
  if (found !== undefined && (await isAnswered(path))) throw new Error(`${path}: another process answers there`);
  mkdirSync(dirname(path), { recursive: true });
  const fresh = `${path}${FRESH}`;
  rmSync(fresh, { force: true });
  await listen(server, fresh);
  let own: Stats;
  try {
    // Nobody but its owner can have connected so far.
    const isGiven = group === undefined || give(fresh, group, onRefused);
    chmodSync(fresh, isGiven ? SOCKET_MODE : ROOT_MODE);
    if (isGiven && group !== undefined) openDirectory(dirname(path), group, onRefused);
    own = lstatSync(fresh);
    renameSync(fresh, path);
  } catch (error) {
    server.close();
    rmSync(fresh, { force: true });
    throw error;
  }
  return () => {
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === own.ino) rmSync(path, { force: true });
  };
}

/** Whether a process accepts connections there. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => {
      settle(true);
    });
    // Whatever is not known to be dead is taken for alive.
    socket.once('error', (error: NodeJS.ErrnoException) => {
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

/** @returns false where that takes CAP_CHOWN, or a supplementary group, that this process does not have */
function give(path: string, group: number, onRefused: (error: Error) => void): boolean {
  try {
    chownSync(path, statSync(path).uid, group);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    onRefused(error as Error);
    return false;
  }
}

/** Lets the group pass through, not look around. */
function openDirectory(directory: string, group: number, onRefused: (error: Error) => void): void {
  const { mode } = statSync(directory);
  if ((mode & 0o001) !== 0 || !give(directory, group, onRefused)) return;
  chmodSync(directory, (mode & 0o707) | GROUP_SEARCH);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // bind(2) makes the file within the call.
    const before = process.umask(0o177);
    try {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}
