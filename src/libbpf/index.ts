/** libbpf for TypeScript: eBPF objects, maps, programs and attachments. See README.md. */
export { Btf, type BtfEnumerator, type BtfMember, type BtfType } from './btf.js';
export { BATCH_ENTRIES, type Batch, type BatchOptions } from './batch.js';
export * from './constants.js';
export { isLibbpfError, LibbpfError, type LibbpfErrorCode } from './errors.js';
export { Handle, type Kind } from './handle.js';
export { listIds } from './ids.js';
export type { LinkInfo, MapInfo, ProgramInfo } from './info.js';
export {
  attachTcx,
  attachXdp,
  BpfLink,
  type InterfaceOptions,
  queryTcx,
  queryTcxAll,
  queryXdp,
  type TcxOptions,
  type TcxPosition,
  type TcxState,
  type XdpOptions,
} from './link.js';
export { BpfMap, type MapOptions, possibleCpus } from './map.js';
export {
  BpfObject,
  type LoadOptions,
  type MapConfiguration,
  type OpenOptions,
  type ProgramConfiguration,
} from './object.js';
export { checkBpffs, openPinned, pinAll, unpin } from './pin.js';
export { BpfProgram, enableRunTimeStatistics, TestRun, type TestRunOptions, type TestRunResult } from './program.js';
export type { RodataValue } from './rodata.js';
export { checkLength, type Codec, getBytes, putBytes, TypedMap, U32, U64 } from './codec.js';
export { type Layout, layoutOf, mapTypes, type StructLayout } from './layout.js';
export { type RecordHandler, RingBuffer, type RingBufferOptions } from './ringbuf.js';
export { type FeatureName, type Helper, HELPERS, probe } from './probe.js';
