/** Resources whose objects are templates: entries of a map by ifindex, compared as encoded bytes. */
import { indexOfDevice } from '../ebpf/bytes.js';
import { entryResource } from '../ebpf/entry-resource.js';
import { concernsLink } from '../reconcile/follows.js';
import type { EntrySpec } from '../ebpf/entries.js';
import type { Resource } from '../reconcile/resource.js';
import type { Resources } from '../plan/plan.js';

/** Resources of this kind; their keys are interfaces. */
type TemplateName = 'bpf-dhcp4' | 'bpf-boot' | 'bpf-dhcp6' | 'bpf-ra';

interface TemplateSpec<K extends TemplateName> extends Pick<EntrySpec<K>, 'map' | 'describe'> {
  encode: (this: void, value: Resources[K]) => Buffer;
  /** Value reported for an unplanned entry. */
  unknown: Resources[K];
}

export function templateResource<K extends TemplateName>(name: K, spec: TemplateSpec<K>): Resource<K> {
  const { map, describe, encode, unknown } = spec;
  return entryResource<K>({
    name,
    after: ['bpf-port'],
    // Written before the program is attached, so that the first request is answered.
    before: ['bpf-program'],
    follows: { link: concernsLink },
    map,
    describe,
    devices: (_value, device) => [device],
    read(kernel, { keys, keyAt, values, valueAt }, wanted) {
      const device = kernel.links.nameOf(keys.readUInt32LE(keyAt));
      const desired = wanted.get(device);
      if (desired === undefined) return [device, unknown];
      const expected = encode(desired);
      const isSame = values.subarray(valueAt, valueAt + expected.length).equals(expected);
      return [device, isSame ? desired : { ...desired, drift: 'other bytes' }];
    },
    writeKey(kernel, device, _value, into, at) {
      const index = indexOfDevice(kernel, device);
      if (index === undefined) return false;
      into.writeUInt32LE(index, at);
      return true;
    },
    writeValue(_kernel, _device, value, into, at) {
      encode(value).copy(into, at);
    },
  });
}
