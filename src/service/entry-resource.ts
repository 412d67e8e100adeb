/** The services' settings for programs of ports: sg_service[0]. */
import { indexOfDevice, putPrefix } from '../ebpf/bytes.js';
import { entryResource } from '../ebpf/entry-resource.js';
import { Service } from '../ebpf/generated/layouts.js';
import { ON_DEVICE } from '../reconcile/follows.js';
import { servicesIn } from './kinds.js';
import { prefixIn } from './held.js';

const KEY = 'service';
const PREFIX_BYTES = 4;

export const bpfServiceResource = entryResource<'bpf-service'>({
  name: 'bpf-service',
  after: ['service-link', 'bpf-port'],
  before: ['bpf-program'],
  follows: ON_DEVICE,
  map: ({ sg_service }) => sg_service,
  devices: ({ device }) => [device],
  read: (kernel, { values, valueAt }) => [
    KEY,
    {
      prefix: prefixIn(values, valueAt),
      device: kernel.links.nameOf(values.readUInt32LE(valueAt + Service.OFFSETS.ifindex)),
      hopLimit: values.readUInt32LE(valueAt + Service.OFFSETS.hopLimit),
      kinds: values.readUInt32LE(valueAt + Service.OFFSETS.kinds),
    },
  ],
  // The only entry has key 0, whatever its device.
  writeKey: () => true,
  writeValue(kernel, _key, { prefix, device, hopLimit, kinds }, into, at) {
    const whole = Buffer.alloc(16);
    putPrefix(prefix, whole, 0);
    whole.copy(into, at + Service.OFFSETS.prefix, 0, PREFIX_BYTES);
    into.writeUInt32LE(indexOfDevice(kernel, device) ?? 0, at + Service.OFFSETS.ifindex);
    into.writeUInt32LE(hopLimit, at + Service.OFFSETS.hopLimit);
    into.writeUInt32LE(kinds, at + Service.OFFSETS.kinds);
  },
  describe: (_key, { prefix, device, hopLimit, kinds }) =>
    `fast path services ${servicesIn(kinds).join(', ')} ${prefix} dev ${device} hop limit ${hopLimit}`,
});
