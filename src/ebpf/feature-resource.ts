/** Device features that prevent programs from working and must be off. */
import { DEVICE_FEATURES } from './events.js';
import { deviceFeatures, type DeviceFeatures, setDeviceFeatures } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, ObjectFailure } from '../reconcile/resource.js';
import { TAG_FEATURES } from './objects.js';
import type { DeviceFeature } from './objects.js';

const REMEMBERED = 'feature ';

/** The driver does not allow a feature to be switched off. */
export class FixedFeatureError extends Error {
  readonly code = 'DEVICE_FEATURE_FIXED';

  constructor(device: string, feature: string) {
    super(
      `${device}: ${feature} is on and fixed: expected it off, as XDP would take VLAN frames for untagged ones ("xdp: auto" attaches no XDP there)`,
    );
    this.name = 'FixedFeatureError';
  }
}

/** The device strips VLAN tags before XDP sees the frames. */
export class HiddenTagsError extends Error {
  readonly code = 'FASTPATH_XDP_HIDDEN_TAGS';

  constructor(device: string, features: readonly string[]) {
    super(`xdp of ${device}: ${features.join(', ')} on: expected off, as XDP would take VLAN frames for untagged ones`);
    this.name = 'HiddenTagsError';
  }
}

/** Active features of an interface that strip VLAN tags before XDP; `fixed`: those that cannot be switched off. */
export function hiddenTags(kernel: Kernel, ifindex: number): { active: string[]; fixed: string[] } {
  const features = deviceFeatures(kernel.generic, ifindex);
  const active = TAG_FEATURES.filter((name) => features?.active.has(name) === true);
  return { active, fixed: active.filter((name) => features?.changeable.has(name) !== true) };
}

/** Features that are switched off for the fast path. Features that were on are saved, and restored when no program needs them off. */
export const deviceFeatureResource: Resource<'device-feature'> = {
  name: 'device-feature',
  // Switched off before XDP programs get frames, and restored after them.
  after: ['bpf-sid'],
  follows: DEVICE_FEATURES,

  list(kernel, wanted) {
    const found = new Map<string, DeviceFeature>();
    const known = new Map<number, DeviceFeatures | undefined>();
    const featuresOf = (ifindex: number): DeviceFeatures | undefined => {
      if (!known.has(ifindex)) known.set(ifindex, deviceFeatures(kernel.generic, ifindex));
      return known.get(ifindex);
    };
    for (const [key, desired] of wanted) {
      const link = kernel.links.get(desired.device);
      if (link === undefined) continue;
      const features = featuresOf(link.index);
      const on = features?.active.has(desired.feature) === true;
      const isFixed = features?.changeable.has(desired.feature) !== true;
      // The program is omitted instead.
      if (on && !(isFixed && desired.optional)) found.set(key, { ...desired, on: true });
      else found.set(key, desired);
    }
    // Features switched off for a former plan are known only from the saved settings.
    for (const memory of kernel.savedSettings.keys()) {
      if (!memory.startsWith(REMEMBERED)) continue;
      const key = memory.slice(REMEMBERED.length);
      const [device = '', feature = ''] = key.split(' ');
      if (wanted.has(key)) continue;
      const link = kernel.links.get(device);
      if (link === undefined || kernel.savedSettings.get(memory) !== String(link.index))
        kernel.savedSettings.forget([memory]);
      else found.set(key, { device, feature });
    }
    return found;
  },

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    for (const { key, desired, actual } of changes) {
      const { device, feature } = desired ?? actual ?? { device: '', feature: '' };
      const link = kernel.links.get(device);
      const memory = REMEMBERED + key;
      if (link === undefined) continue;
      try {
        if (desired === undefined) {
          setDeviceFeatures(kernel.generic, link.index, { [feature]: true });
          kernel.savedSettings.forget([memory]);
          continue;
        }
        const before = deviceFeatures(kernel.generic, link.index);
        if (before?.active.has(feature) !== true) continue;
        if (!before.changeable.has(feature)) {
          if (desired.optional) continue;
          throw new FixedFeatureError(device, feature);
        }
        // Saved for another interface of the same name.
        if (kernel.savedSettings.get(memory) !== String(link.index)) kernel.savedSettings.forget([memory]);
        kernel.savedSettings.remember([[memory, String(link.index)]]);
        const after = setDeviceFeatures(kernel.generic, link.index, { [feature]: false });
        if (after?.active.has(feature) === true) throw new FixedFeatureError(device, feature);
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    return failures;
  },

  devices: ({ device }) => [device],

  // An uplink may be in a bond or a bridge; a port may not.
  toleratesConflict: ({ port }) => port !== true,

  describe: (_key, { device, feature, on }) => `feature ${feature} ${on === true ? 'on' : 'off'} dev ${device}`,
};
