/** The API's socket file, which has its final permissions as soon as it exists. */
import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import { dirname } from 'node:path';

/** Group whose members may use the API without being root. */
export const GROUP = 'segue';
const SOCKET_MODE = 0o660;
const ROOT_MODE = 0o600;
const GROUP_SEARCH = 0o010;
/** Size of sun_path in unix(7), including the NUL. */
const SUN_PATH_BYTES = 108;
/** Suffix of the socket's name until its mode and owner are set. */
const FRESH = '.new';

/**
 * Listens on a socket that a group may use. Replaces the file of a dead agent, but never of a live one.
 *
 * @param group undefined: only root
 * @param onRefused called if this process may not give files to the group: only root can then use the socket
 * @returns a function that removes the file
 * @throws Error with the path if another process listens there, the path is too long, or it is no socket
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
    // So far only its owner can have connected.
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

/** Whether a process accepts connections on a socket. */
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
    // Unless it is known to be dead, a process counts as alive.
    socket.once('error', (error: NodeJS.ErrnoException) => {
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

/** @returns false if this needs CAP_CHOWN or a supplementary group that this process lacks */
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

/** Allows the group to traverse the directory, but not to list it. */
function openDirectory(directory: string, group: number, onRefused: (error: Error) => void): void {
  const { mode } = statSync(directory);
  if ((mode & 0o001) !== 0 || !give(directory, group, onRefused)) return;
  chmodSync(directory, (mode & 0o707) | GROUP_SEARCH);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // bind(2) creates the file within the call.
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
