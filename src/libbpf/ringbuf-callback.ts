/** libbpf's own ring buffer reader, a callback through koffi for each record: kept to be measured against (bench/micro). */
import { LibbpfError } from './errors.js';
import { lastErrno, libbpf, registerSample, unregister, view } from './ffi.js';
import type { BpfMap } from './map.js';

export function readByCallback(map: BpfMap, handler: (record: Buffer) => void): { consume(): number; close(): void } {
  const lib = libbpf();
  const callback = registerSample((_ctx, data, size) => {
    handler(Buffer.from(view(data, size)));
    return 0;
  });
  const ring = lib.ring_buffer__new(map.fd, callback, null, null);
  if (ring === null) {
    unregister(callback);
    throw new LibbpfError({ operation: `${map.label}: ring_buffer__new`, errno: lastErrno() });
  }
  return {
    consume: () => lib.ring_buffer__consume(ring),
    close: () => {
      lib.ring_buffer__free(ring);
      unregister(callback);
    },
  };
}
