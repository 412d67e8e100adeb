/** libbpf for TypeScript: eBPF objects, maps, programs and attachments. See README.md. */
export { Btf, type BtfEnumerator, type BtfMember, type BtfType } from './btf.js';
export { BATCH_ENTRIES, type Batch, type BatchOptions } from './batch.js';
export * from './constants.js';
export { attachCgroup, attachNetns, type CgroupOptions } from './attach.js';
export { BpfLink } from './bpf-link.js';
export { type BtfValue, codecOf } from './btf-codec.js';
export { ERROR_CODES, isLibbpfError, LibbpfError, type LibbpfErrorCode } from './errors.js';
export { libbpfVersion } from './ffi.js';
export { Handle, type Kind } from './handle.js';
export { listIds } from './ids.js';
export type { LinkInfo, MapInfo, ProgramInfo } from './info.js';
export {
  attachTcx,
  attachXdp,
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
export { BpfObject } from './object.js';
export type { LoadOptions, MapConfiguration, OpenOptions, ProgramConfiguration } from './object-options.js';
export { checkBpffs, openPinned, pinAll, unpin } from './pin.js';
export {
  BpfProgram,
  enableRunTimeStatistics,
  type ProgramOrigin,
  TestRun,
  type TestRunOptions,
  type TestRunResult,
} from './program.js';
export { type VariableValue as RodataValue, Variables, type VariableValue } from './variables.js';
export { PerCpuMap, TypedMap } from './typed-map.js';
export { type MapShape, type Skeleton, type SkeletonOptions, TypedObject } from './skeleton.js';
export * from './codec.js';
export type { Netns } from './netns.js';
export { type Layout, layoutOf, mapTypes, type StructLayout } from './layout.js';
export { type RecordHandler, RingBuffer, type RingBufferOptions } from './ringbuf.js';
export { type FeatureName, type Helper, HELPERS, probe } from './probe.js';
