/** libbpf's own ring buffer reader, which calls back through koffi for each record: what libbpf-ts is measured against. */
import koffi from 'koffi';
import type { BpfMap } from 'libbpf-ts';

const SampleFunction = koffi.pointer(koffi.proto('int ring_buffer_sample_fn(void *ctx, void *data, size_t size)'));

export function readByCallback(map: BpfMap, handler: (record: Buffer) => void): { consume(): number; close(): void } {
  const libbpf = koffi.load(process.env.LIBBPF_PATH ?? 'libbpf.so.1');
  const create = libbpf.func('void *ring_buffer__new(int fd, void *callback, void *ctx, void *options)');
  const consume = libbpf.func('int ring_buffer__consume(void *ring)');
  const free = libbpf.func('void ring_buffer__free(void *ring)');
  const callback = koffi.register((_ctx: bigint | null, data: bigint, size: number) => {
    handler(Buffer.from(koffi.view(data, size)));
    return 0;
  }, SampleFunction);
  const ring: unknown = create(map.fd, callback, null, null);
  if (ring === null) {
    koffi.unregister(callback);
    throw new Error(`ring_buffer__new: errno ${koffi.errno()}`);
  }
  return {
    consume: () => consume(ring) as number,
    close: () => {
      free(ring);
      koffi.unregister(callback);
    },
  };
}
