/** An object whose maps, programs and variables the compiler knows by name and type: what `libbpf-ts gen` writes stands on this. */
import type { Codec } from './codec.js';
import type { BpfMap } from './map.js';
import { BpfObject } from './object.js';
import type { LoadOptions } from './object-options.js';
import type { BpfProgram } from './program.js';
import { PerCpuMap, TypedMap } from './typed-map.js';
import type { VariableValue } from './variables.js';

/** A map's key and value; without them it has only bytes (ring buffers, maps of maps). */
export interface MapShape {
  readonly key?: Codec<unknown>;
  readonly value?: Codec<unknown>;
  readonly perCpu?: boolean;
}

export interface Skeleton {
  readonly maps: Readonly<Record<string, MapShape>>;
  readonly programs: readonly string[];
  readonly variables: Readonly<Record<string, Codec<unknown>>>;
}

/** The class a map of such a shape is used by. */
export type MapOf<M extends MapShape> = M extends {
  readonly key: Codec<infer K>;
  readonly value: Codec<infer V>;
  readonly perCpu: true;
}
  ? PerCpuMap<K, V>
  : M extends { readonly key: Codec<infer K>; readonly value: Codec<infer V> }
    ? TypedMap<K, V>
    : BpfMap;

export type VariablesOf<S extends Skeleton> = {
  -readonly [N in keyof S['variables']]: S['variables'][N] extends Codec<infer V> ? V : never;
};

export interface SkeletonOptions<S extends Skeleton> extends Omit<
  LoadOptions,
  'rodata' | 'maps' | 'programs' | 'variables'
> {
  /** set before load, constants as well */
  variables?: Partial<VariablesOf<S>>;
  maps?: { [N in keyof S['maps']]?: NonNullable<LoadOptions['maps']>[string] };
  programs?: Partial<Record<S['programs'][number], NonNullable<LoadOptions['programs']>[string]>>;
}

export class TypedObject<S extends Skeleton> {
  readonly object: BpfObject;
  readonly #skeleton: S;
  readonly #maps = new Map<string, BpfMap | TypedMap<unknown, unknown> | PerCpuMap<unknown, unknown>>();

  private constructor(object: BpfObject, skeleton: S) {
    this.object = object;
    this.#skeleton = skeleton;
  }

  /** Opens, configures and loads; closed again when one of them fails. */
  static load<S extends Skeleton>(
    skeleton: S,
    source: string | Uint8Array,
    options: SkeletonOptions<S> = {},
  ): TypedObject<S> {
    return new TypedObject(BpfObject.load(source, options as LoadOptions), skeleton);
  }

  /** @throws LibbpfError LIBBPF_SIZE when the object is of another version than the skeleton */
  map<N extends keyof S['maps'] & string>(name: N): MapOf<S['maps'][N]> {
    let map = this.#maps.get(name);
    if (map === undefined) {
      const raw = this.object.map(name);
      const { key, value, perCpu } = this.#skeleton.maps[name] ?? {};
      if (key === undefined || value === undefined) map = raw;
      else map = perCpu === true ? new PerCpuMap(raw, key, value) : new TypedMap(raw, key, value);
      this.#maps.set(name, map);
    }
    return map as MapOf<S['maps'][N]>;
  }

  program(name: S['programs'][number]): BpfProgram {
    return this.object.program(name);
  }

  get<N extends keyof S['variables'] & string>(name: N): VariablesOf<S>[N] {
    return this.object.variables.get(name) as VariablesOf<S>[N];
  }

  set<N extends keyof S['variables'] & string>(name: N, value: VariablesOf<S>[N]): void {
    this.object.variables.set(name, value as VariableValue);
  }

  close(): void {
    this.object.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
