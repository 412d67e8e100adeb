import { ON_DEVICE } from '../reconcile/follows.js';
import { ourMaster } from '../vrf/ours.js';
import { ALL_PORT_SYSCTLS } from '../port/plan.js';
import { FORCE_FORWARDING, HOST_FORWARDING, ofDevice } from './sysctl-plan.js';
import type { Resource, ObjectFailure } from '../reconcile/resource.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Sysctl } from './objects.js';

const REMEMBERED = 'sysctl ';
const PORT_MEMORY = 'port sysctl ';
/** Index of the device in a path: net/ipv4/conf/<device>/forwarding. */
const DEVICE_SEGMENT = 3;

/**
 * Sysctls. Former values of shared ones are saved and restored. Those of a port are reset to the namespace's values for new interfaces:
 * conf/default. neigh/default exists only in the initial namespace, so these are saved too (neigh_sysctl_register, net/core/neighbour.c). Those of
 * a VRF are removed with it.
 */
export const sysctlResource: Resource<'sysctl'> = {
  name: 'sysctl',
  after: ['vrf', 'l3mdev-rule'],
  follows: { ...ON_DEVICE, settings: () => true },

  list(kernel, wanted) {
    const found = new Map<string, Sysctl>();
    const defaults: Defaults = new Map();
    const values = kernel.sysctls.readAll(wanted.keys());
    for (const [path, { shared, device }] of wanted) {
      const value = values.get(path);
      if (value !== undefined) found.set(path, { value, ...(shared && { shared }), ...(device && { device }) });
    }
    // Values that were changed for a former plan are known only from the saved settings.
    for (const key of kernel.savedSettings.keys()) {
      const path = key.startsWith(REMEMBERED) ? key.slice(REMEMBERED.length) : undefined;
      if (path === undefined || wanted.has(path)) continue;
      const value = kernel.sysctls.read(path);
      if (value === undefined) kernel.savedSettings.forget([key]);
      else found.set(path, { value, shared: true });
    }
    // Ports of a former plan: values that differ from those of a new interface. Settings are made before a port joins its VRF and reset after it
    // leaves: in between, only the saved settings identify it.
    for (const link of kernel.links.all()) {
      if (kernel.savedSettings.get(deviceMemory(link.name)) === undefined && ourMaster(kernel, link) === undefined)
        continue;
      for (const [pattern] of ALL_PORT_SYSCTLS) {
        const path = ofDevice(pattern, link.name);
        if (wanted.has(path)) continue;
        const value = kernel.sysctls.read(path);
        const standard = standardOf(kernel, path, defaults);
        if (value !== undefined && standard !== undefined && value !== standard)
          found.set(path, { value, device: link.name });
      }
    }
    return found;
  },

  apply(kernel, changes) {
    const writes: [string, string][] = [];
    const memories: [string, string][] = [];
    const done: string[] = [];
    const defaults: Defaults = new Map();
    for (const { key: path, desired, actual } of changes) {
      if (desired !== undefined) {
        const before = actual?.value ?? (desired.shared ? kernel.sysctls.read(path) : undefined);
        if (desired.shared && before !== undefined) memories.push([REMEMBERED + path, before]);
        if (isPort(kernel, desired.device, desired)) {
          memories.push([deviceMemory(desired.device), '']);
          const own =
            standardOf(kernel, path, defaults) === undefined ? (actual?.value ?? kernel.sysctls.read(path)) : undefined;
          if (own !== undefined) memories.push([PORT_MEMORY + path, own]);
        }
        writes.push([path, desired.value]);
        continue;
      }
      const before = actual?.shared ? kernel.savedSettings.get(REMEMBERED + path) : standardOf(kernel, path, defaults);
      if (before !== undefined) writes.push([path, before]);
      done.push(REMEMBERED + path, PORT_MEMORY + path);
      if (actual?.device !== undefined) done.push(deviceMemory(actual.device));
    }
    kernel.savedSettings.remember(memories);
    const failures: ObjectFailure[] = [];
    const errors = kernel.sysctls.writeAll(withForcedForwarding(kernel, writes));
    for (const [key, error] of errors) {
      const change = changes.find((candidate) => candidate.key === key);
      // The device, with its directory, is gone: there is nothing to restore.
      if (change?.desired === undefined && 'code' in error && error.code === 'ENOENT') continue;
      failures.push({ key, error: new Error(`sysctl ${key}: ${error.message}`, { cause: error }) });
    }
    // Values that could not be restored remain saved.
    const failed = new Set(failures.map(({ key }) => REMEMBERED + key));
    kernel.savedSettings.forget(done.filter((key) => !failed.has(key)));
    return failures;
  },

  equal: (desired, actual) => desired.value === actual.value,

  // An uplink may be in a bond or a bridge; a port may not.
  toleratesConflict: ({ shared }) => shared === true,

  devices: ({ device }) => (device === undefined ? [] : [device]),

  describe: (path, { value }) => `sysctl ${path.replaceAll('/', '.')} = ${value}`,
};

/** The value of a shared sysctl before segue changed it, if it did; undefined: the sysctl does not exist. */
export function valueFound(kernel: Kernel, path: string): string | undefined {
  return kernel.savedSettings.get(REMEMBERED + path) ?? kernel.sysctls.read(path);
}

/** Whether segue has changed a shared sysctl. */
export function isRemembered(kernel: Kernel, path: string): boolean {
  return kernel.savedSettings.get(REMEMBERED + path) !== undefined;
}

/** Disabling the host's forwarding resets the interfaces' own settings (addrconf_fixup_forwarding, net/ipv6/addrconf.c). */
function withForcedForwarding(kernel: Kernel, writes: readonly [string, string][]): readonly [string, string][] {
  if (!writes.some(([path, value]) => path === HOST_FORWARDING && value === '0')) return writes;
  const [pattern, value] = FORCE_FORWARDING;
  const paths = [...kernel.links.all()].map(({ name }) => ofDevice(pattern, name));
  const forced = [...kernel.sysctls.readAll(paths)].filter(([path, found]) => {
    const given = writes.find(([other]) => other === path);
    return found === value && given === undefined;
  });
  return [...writes, ...forced];
}

/** Key that records a port's changed settings; their former values are those of a new interface. */
function deviceMemory(device: string): string {
  return `sysctls ${device}`;
}

/** A VRF's settings are removed with it. */
function isPort(kernel: Kernel, device: string | undefined, { shared }: Sysctl): device is string {
  return device !== undefined && shared !== true && kernel.links.get(device)?.kind !== 'vrf';
}

/** The namespace's values for new interfaces by path, read once for all ports. */
type Defaults = Map<string, string | undefined>;

/** The value to which a port's setting is reset; undefined if unknown. */
function standardOf(kernel: Kernel, path: string, defaults: Defaults): string | undefined {
  const segments = path.split('/');
  segments[DEVICE_SEGMENT] = 'default';
  const standard = segments.join('/');
  if (!defaults.has(standard)) defaults.set(standard, kernel.sysctls.read(standard));
  return defaults.get(standard) ?? kernel.savedSettings.get(PORT_MEMORY + path);
}
