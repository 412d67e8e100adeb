/** Options to open, configure and load an object. */
import type { MapType, ProgramType } from './constants.js';
import type { BpfMap } from './map.js';
import type { VariableValue } from './variables.js';

export interface OpenOptions {
  /** how messages name an object from memory, and the prefix of its maps of global data */
  name?: string;
  /** where maps with LIBBPF_PIN_BY_NAME are pinned; default /sys/fs/bpf */
  pinRoot?: string;
  /** room for the verifier's statistics (BPF_LOG_STATS): of the last program that is loaded, text up to a zero byte */
  statistics?: Buffer;
}

/** Properties of a map that may be changed before load. */
export interface MapConfiguration {
  type?: MapType;
  maxEntries?: number;
  valueSize?: number;
  /** MAP_FLAGS */
  flags?: number;
  /** reuses what is pinned there if it fits, else creates and pins */
  pin?: string;
  /** uses this map instead of creating one: its type, sizes and flags must be the same */
  reuse?: BpfMap;
  /** template of the maps inside */
  inner?: BpfMap;
  /** false: is not created; a program loads if its constants leave no use of it */
  create?: boolean;
}

export interface ProgramConfiguration {
  load?: boolean;
  type?: ProgramType;
  /** enum bpf_attach_type */
  attachType?: number;
}

export interface LoadOptions extends OpenOptions {
  /** constants alone */
  rodata?: Record<string, VariableValue>;
  /** of .data and .bss, and constants */
  variables?: Record<string, VariableValue>;
  maps?: Record<string, MapConfiguration>;
  programs?: Record<string, ProgramConfiguration>;
}
