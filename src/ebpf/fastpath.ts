import { Limits } from './generated/layouts.js';
import { existsSync, rmSync, statSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { readRegularFile } from '../intent/regular-file.js';
import { ObjectIds } from '../kernel/object-ids.js';
import { replaceFile } from '../kernel/replace-file.js';
import { type BpfMap, BpfObject, type BpfProgram, type MapConfiguration, type RodataValue, unpin } from 'libbpf-ts';
import { nextCacheGeneration } from './epoch.js';
import { carryCounters, describeLayout, GENERATION, LAYOUT } from './generation.js';
import { loadOver } from './load.js';
import { isComplete, machineSizes, MAP_NAMES, mapOf, openMaps, readOnlyOf, responderSizes, reusing } from './maps.js';
import { FASTPATH_MAPS } from './generated/maps.js';
import { GatewayStore, NO_GATEWAY_MAPS } from '../gateway/gateway-maps.js';
import { SteeringStore } from '../gateway/steering-maps.js';
import { openOver } from './open-there.js';
import { BPF_HOOKS } from './objects.js';
import { listDirectory, MAPS, otherGenerations } from './pin-directories.js';
import { PinKeeper, PinsLostError } from './pin-keeper.js';
import {
  COMMON_PROGRAMS,
  FUNCTIONS,
  objectPath,
  PROGRAM_NAMES,
  programVersion,
  rodataOf,
  STEERING_PROGRAMS,
} from './programs.js';
import type { BpfHook, BpfProgramName } from './objects.js';
import type { FastpathMaps, MapName } from './maps.js';
import type { ProgramUse } from './programs.js';

/** Suffix of the directory when only the NDP responder uses the maps. */
const RESPONDER_ALONE = '-responder';

/** File in the node's run-time directory that identifies the process that wrote last. */
const WRITER_FILE = 'fastpath-writer';

export interface FastpathOptions {
  runDirectory: string;
  /** In a bpffs; created with the first map. */
  pinDirectory: string;
  /** Named network namespace of the interfaces. */
  netns?: string;
  /** Only the NDP responder is loaded: maps that it does not use are created with one entry. */
  responderAlone?: boolean;
}

/**
 * A node's maps and programs: opened from their pins, and created on the first write. The meaning of entries is up to the resources.
 */
export class FastpathStore {
  readonly netns: string | undefined;
  /** Encapsulations by the tenant's SID; ids start at 1. */
  readonly encapIds = new ObjectIds({ what: 'fast-path encapsulation', first: 1, count: Limits.MAX_ENCAPS - 1 });
  /** Next-hop groups by their destination prefix; ids start at 1. */
  readonly underlayIds = new ObjectIds({ what: 'fast-path underlay', first: 1, count: Limits.MAX_NEXTHOP_GROUPS - 1 });
  /** Slots of ports' counters, by interface. */
  readonly slots = new ObjectIds({ what: 'counter of a port', first: 0, count: Limits.PORT_SLOTS });
  /** Last known MAC addresses of underlay gateways, by `<ifindex> <address>`. */
  readonly neighbourMacs = new Map<string, string>();
  /** Hooks that a driver does not support, by `<ifindex> <hook>`, with the error message. */
  readonly impossible = new Map<string, string>();
  readonly pinDirectory: string;
  readonly pins: PinKeeper;
  /** The gateway maps, of hypervisors and network nodes. */
  readonly gateways: GatewayStore;
  /** Whether only the NDP responder is loaded; such maps are pinned in a directory of their own, like those of another layout. */
  readonly responderAlone: boolean;
  /** The maps of a network node. */
  readonly steering: SteeringStore;
  readonly #writerFile: string;
  readonly #runDirectory: string;
  readonly #identity = `${process.pid} ${randomUUID()}`;
  #maps: FastpathMaps | undefined;
  /** Inode of the pin of sg_node. */
  #pin: number | undefined;
  /** By paths of the pins. */
  readonly #programs = new Map<string, BpfProgram>();
  #idsKnown = false;

  constructor({ runDirectory, pinDirectory, netns, responderAlone = false }: FastpathOptions) {
    this.responderAlone = responderAlone;
    this.netns = netns;
    this.pinDirectory = pinDirectory;
    this.pins = new PinKeeper(pinDirectory);
    this.#runDirectory = runDirectory;
    this.#writerFile = `${runDirectory}/${WRITER_FILE}`;
    this.gateways = new GatewayStore(
      pinDirectory,
      () => this.makeMaps(),
      () => {
        this.pins.note();
      },
    );
    this.steering = new SteeringStore(
      pinDirectory,
      () => ({ ...reusing(this.makeMaps()), ...this.gateways.reuse() }),
      () => {
        this.pins.note();
      },
    );
  }

  /** The maps; undefined unless all of them are pinned. @throws MapLayoutError, LibbpfError */
  get maps(): FastpathMaps | undefined {
    if (this.#maps !== undefined && this.#isWithoutBpffs()) return this.#maps;
    // Another process may have removed the pins and pinned new maps by the same names.
    const pin = statSync(this.#mapPath('sg_node'), { throwIfNoEntry: false })?.ino;
    if (this.#maps !== undefined && pin !== undefined && pin === this.#pin) return this.#maps;
    this.#forget();
    const maps = openMaps(this.#mapDirectory);
    if (isComplete(maps)) {
      this.#pin = pin;
      return (this.#maps = maps);
    }
    for (const map of Object.values(maps)) map.close();
    return undefined;
  }

  /** Whether the pins are gone and there is no bpffs for new ones. The maps that this process holds are then still those of the programs. */
  #isWithoutBpffs(): boolean {
    try {
      this.pins.restore();
      return false;
    } catch (error) {
      if (error instanceof PinsLostError) return true;
      throw error;
    }
  }

  /** Whether the node has any pins, complete or not. */
  get isPinned(): boolean {
    return existsSync(this.pinDirectory);
  }

  /** The maps; creates and pins missing ones. @throws MapLayoutError, LibbpfError */
  makeMaps(): FastpathMaps {
    const there = this.maps;
    if (there !== undefined) return there;
    this.pins.note();
    // libbpf creates them as the object file defines them, with BTF for bpftool.
    const known = openMaps(this.#mapDirectory);
    const maps: Partial<Record<MapName, BpfMap>> = { ...known };
    try {
      using object = BpfObject.load(objectPath('port_tc'), {
        rodata: rodataOf('port_tc'),
        maps: { ...(this.responderAlone ? responderSizes() : machineSizes()), ...NO_GATEWAY_MAPS, ...reusing(known) },
        programs: { [FUNCTIONS.port_tc]: { load: false } },
      });
      for (const name of MAP_NAMES) {
        if (known[name] !== undefined) continue;
        maps[name] = mapOf(object, name).clone();
        maps[name].pin(this.#mapPath(name));
      }
    } catch (error) {
      for (const map of Object.values(maps)) map.close();
      throw error;
    }
    if (!isComplete(maps)) throw new Error('fast path: a map is missing');
    describeLayout(this.#runDirectory, LAYOUT);
    const [before] = otherGenerations(this.pinDirectory, this.#generation);
    if (before !== undefined) {
      const layout = before.split(RESPONDER_ALONE)[0] ?? before;
      carryCounters(this.#runDirectory, layout, `${this.pinDirectory}/${MAPS}${before}`, maps);
    }
    this.#pin = statSync(this.#mapPath('sg_node')).ino;
    return (this.#maps = maps);
  }

  /**
   * This build's program; loads and pins it unless it is pinned.
   *
   * @throws LibbpfError
   */
  makeProgram(name: BpfProgramName, use: ProgramUse = {}): BpfProgram {
    const there = this.program(name, use);
    if (there !== undefined) return there;
    this.pins.note();
    const steers = STEERING_PROGRAMS.includes(name);
    using object = loadOver(name, rodataOf(name, use), {
      ...reusing(this.makeMaps()),
      ...(steers || use.gateways === true ? this.gateways.reuse() : NO_GATEWAY_MAPS),
      ...(steers && this.steering.reuse()),
    });
    const path = this.#programPath(name, use);
    const program = object.program(FUNCTIONS[name]).clone();
    try {
      unpin(path);
      program.pin(path);
    } catch (error) {
      program.close();
      throw error;
    }
    this.#programs.set(path, program);
    return program;
  }

  /**
   * Loads this build's program again for BPF_PROG_TEST_RUN. It reads the existing maps, and has its own copies of the maps that it writes. The
   * caller must close it.
   *
   * @param rodata constants in addition to those of the attached program
   * @throws LibbpfError
   */
  loadForTestRun(name: BpfProgramName, use: ProgramUse, rodata: Record<string, RodataValue>): BpfObject | undefined {
    const { maps } = this;
    if (maps === undefined) return undefined;
    const object = loadOver(
      name,
      { ...rodataOf(name, use), ...rodata },
      { ...machineSizes(), ...reusing(readOnlyOf(FASTPATH_MAPS, maps)), ...this.#trialGateways(use) },
    );
    // Empty caches must not match the generation.
    nextCacheGeneration(mapOf(object, 'sg_cache_gen'));
    return object;
  }

  /**
   * Loads a network node's program for BPF_PROG_TEST_RUN, with its own connections, counters and rings. The caller must close it.
   *
   * @returns undefined if the node is no network node
   * @throws LibbpfError
   */
  loadNetworkNodeForTestRun(name: BpfProgramName, use: ProgramUse): BpfObject | undefined {
    const { maps } = this;
    const read = this.steering.readOnly();
    if (maps === undefined || read === undefined) return undefined;
    const object = loadOver(name, rodataOf(name, use), {
      ...machineSizes(),
      ...reusing(readOnlyOf(FASTPATH_MAPS, maps)),
      ...this.gateways.reuseReadOnly(),
      ...read,
    });
    nextCacheGeneration(mapOf(object, 'sg_cache_gen'));
    return object;
  }

  #trialGateways({ gateways = false }: ProgramUse): Record<string, MapConfiguration> {
    return gateways && this.gateways.maps !== undefined ? this.gateways.reuseReadOnly() : NO_GATEWAY_MAPS;
  }

  /** This build's program, if it is pinned and uses the pinned maps. */
  program(name: BpfProgramName, use: ProgramUse = {}): BpfProgram | undefined {
    const { maps } = this;
    if (maps === undefined) return undefined;
    const path = this.#programPath(name, use);
    const known = this.#programs.get(path);
    if (!existsSync(path)) {
      known?.close();
      this.#programs.delete(path);
      return undefined;
    }
    if (known !== undefined) return known;
    // All programs use the map of verdicts. Programs with gateways also use some of the gateway maps.
    const usesGateways = STEERING_PROGRAMS.includes(name) || use.gateways === true;
    const program = openOver(
      path,
      maps.sg_verdicts,
      usesGateways ? Object.values(this.gateways.maps ?? {}) : undefined,
    );
    if (program !== undefined) this.#programs.set(path, program);
    return program;
  }

  /**
   * Removes pins of other builds' programs and maps. Those that a link still uses stay loaded.
   *
   * @param use the use of the remaining programs; those with and without gateways are both kept
   */
  removeStalePins(use: ProgramUse): void {
    this.pins.note();
    this.#keepPrograms([false, true].map((gateways) => ({ ...use, gateways })));
    this.gateways.sweep();
    this.steering.sweep();
    for (const generation of otherGenerations(this.pinDirectory, this.#generation)) {
      rmSync(`${this.pinDirectory}/${MAPS}${generation}`, { recursive: true, force: true });
    }
  }

  /** Removes the pins of the gateway maps and of the programs that use them. */
  removeGateways(): void {
    this.pins.note();
    const switches = [false, true];
    const uses = switches.flatMap((alone) => switches.map((anySource) => ({ alone, anySource })));
    this.#keepPrograms(uses, PROGRAM_NAMES);
    this.gateways.remove();
  }

  /** Removes pins of programs for other uses or of other builds. */
  #keepPrograms(uses: readonly ProgramUse[], names = Object.keys(FUNCTIONS) as BpfProgramName[]): void {
    const used = names.filter(
      (name) => COMMON_PROGRAMS.includes(name) || (name === 'ndp_responder_tc') === this.responderAlone,
    );
    // A program without an object file in this build is never current.
    const built = used.filter((name) => existsSync(objectPath(name)));
    const current = new Set(built.flatMap((name) => uses.map((use) => this.#programPath(name, use))));
    for (const file of listDirectory(`${this.pinDirectory}/programs`)) {
      const path = `${this.pinDirectory}/programs/${file}`;
      if (current.has(path)) continue;
      this.#programs.get(path)?.close();
      this.#programs.delete(path);
      unpin(path);
    }
  }

  linkPath(hook: BpfHook, ifindex: number): string {
    return `${this.pinDirectory}/links/${hook}_${ifindex}`;
  }

  /** The pinned links. */
  links(): { hook: BpfHook; ifindex: number; path: string }[] {
    return listDirectory(`${this.pinDirectory}/links`).flatMap((file) => {
      const [hook, ifindex] = file.split('_');
      const known = BPF_HOOKS.find((name) => name === hook);
      if (known === undefined || ifindex === undefined) return [];
      return [{ hook: known, ifindex: Number(ifindex), path: `${this.pinDirectory}/links/${file}` }];
    });
  }

  /**
   * Must precede writes of this process. Ids are allocated from what the process has read: if another process has written since, they are read
   * again before the next allocation.
   */
  beginExclusiveWrite(): void {
    let last = '';
    try {
      last = readRegularFile(this.#writerFile).toString();
    } catch {
      // No process has written yet.
    }
    if (last === this.#identity) return;
    this.#idsKnown = false;
    // The other process may have ended between a change and its invalidation.
    this.invalidateFlowCache();
    this.steering.setUnknown();
    replaceFile(this.#writerFile, this.#identity);
  }

  /** Invalidates the programs' flow caches; required after changes of the maps that they cache. @throws LibbpfError */
  invalidateFlowCache(): void {
    const { maps } = this;
    if (maps !== undefined) nextCacheGeneration(maps.sg_cache_gen);
  }

  /** Whether the ids have been read from the present maps. */
  get idsKnown(): boolean {
    return this.#idsKnown;
  }

  setIdsKnown(): void {
    this.#idsKnown = true;
  }

  /** Removes all pins; programs and maps remain loaded until their last user ends. */
  remove(): void {
    this.#forget();
    this.pins.release();
    rmSync(this.pinDirectory, { recursive: true, force: true });
  }

  /** Closes all descriptors and keeps the pins. */
  close(): void {
    this.#forget();
    this.pins.close();
  }

  #forget(): void {
    for (const map of Object.values(this.#maps ?? {})) map.close();
    this.#maps = undefined;
    for (const program of this.#programs.values()) program.close();
    this.#programs.clear();
    for (const ids of [this.encapIds, this.underlayIds, this.slots]) ids.clear();
    this.#idsKnown = false;
    this.gateways.forget();
    this.steering.forget();
  }

  get #generation(): string {
    return this.responderAlone ? GENERATION + RESPONDER_ALONE : GENERATION;
  }

  get #mapDirectory(): string {
    return `${this.pinDirectory}/${MAPS}${this.#generation}`;
  }

  #mapPath(name: MapName): string {
    return `${this.#mapDirectory}/${name}`;
  }

  #programPath(name: BpfProgramName, use: ProgramUse): string {
    return `${this.pinDirectory}/programs/${name}_${programVersion(name, use)}`;
  }
}
