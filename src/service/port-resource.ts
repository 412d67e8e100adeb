/** Files by which the metadata proxy identifies ports: one for each, named by the index of its interface. */
import { chmodSync, chownSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readRegularFile } from '../intent/regular-file.js';
import { indexOfDevice } from '../ebpf/bytes.js';
import { groupNumber } from '../kernel/groups.js';
import { makeFolders } from '../kernel/make-folders.js';
import { replaceFile } from '../kernel/replace-file.js';
import { ON_DEVICE } from '../reconcile/follows.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedObject, Resource } from '../reconcile/resource.js';
import type { ServicePort } from './objects.js';

const FILE = /^([0-9]+)\.json$/;
/** Only the proxy's group may read them, since user data may contain secrets. */
const FILE_MODE = 0o640;
/** Without the set-group-ID bit, which would give files the directory's group: RestrictSUIDSGID in segue.service forbids it. */
const DIRECTORY_MODE = 0o750;
const SEARCH_MODE = 0o011;
const PROXY_GROUP = 'segue-metadata';

function filesOf({ services }: Kernel): string[] {
  return existsSync(services.portDirectory) ? readdirSync(services.portDirectory) : [];
}

/**
 * Creates the directory. The service may traverse the node's directory, but not read it.
 *
 * @param group undefined: there is no such group, so the service runs as root or not at all
 */
function makeDirectory({ services }: Kernel, group: number | undefined): void {
  const { portDirectory } = services;
  if (existsSync(portDirectory)) return;
  makeFolders(portDirectory, DIRECTORY_MODE);
  if (group === undefined) return;
  chownSync(portDirectory, statSync(portDirectory).uid, group);
  // Independent of the umask.
  chmodSync(portDirectory, DIRECTORY_MODE);
  const node = dirname(portDirectory);
  chmodSync(node, (statSync(node).mode & 0o777) | SEARCH_MODE);
}

/** The existing file. @param group the file's required group; undefined: any */
function observed(
  path: string,
  wanted: ServicePort | undefined,
  group: number | undefined,
): ObservedObject<ServicePort> {
  try {
    const text = readRegularFile(path).toString();
    const { mode, gid } = statSync(path);
    const isReadable = (mode & 0o777) === FILE_MODE && (group === undefined || gid === group);
    return isReadable ? { text } : { ...(wanted ?? { text }), drift: 'another mode or group' };
  } catch (error) {
    return { ...(wanted ?? { text: '' }), drift: (error as Error).message };
  }
}

export const servicePortResource: Resource<'service-port'> = {
  name: 'service-port',
  after: [],
  // A port must be known before it can send requests.
  before: ['bpf-program'],
  follows: ON_DEVICE,
  outlivesDevices: true,
  devices: (_value, device) => [device],

  list(kernel, wanted) {
    const found = new Map<string, ObservedObject<ServicePort>>();
    const group = groupNumber(PROXY_GROUP);
    for (const name of filesOf(kernel)) {
      const index = FILE.exec(name)?.[1];
      if (index === undefined) continue;
      const device = kernel.links.nameOf(Number(index));
      found.set(device, observed(kernel.services.portFile(Number(index)), wanted.get(device), group));
    }
    return found;
  },

  apply(kernel, changes) {
    const group = groupNumber(PROXY_GROUP);
    return changes.flatMap(({ key, desired }) => {
      try {
        const index = indexOfDevice(kernel, key);
        if (desired !== undefined) {
          makeDirectory(kernel, group);
          const path = kernel.services.portFile(kernel.links.indexOf(key));
          replaceFile(path, desired.text, FILE_MODE, { ignoresUmask: true, group });
        } else if (index !== undefined) {
          rmSync(kernel.services.portFile(index), { force: true });
        }
        return [];
      } catch (error) {
        return [{ key, error: error as Error }];
      }
    });
  },

  describe: (device) => `metadata of port dev ${device}`,
};
