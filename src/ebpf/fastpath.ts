import { Limits } from './generated/layouts.js';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { ObjectIds } from '../kernel/object-ids.js';
import { type BpfMap, BpfObject, type BpfProgram, type MapConfiguration, type RodataValue, unpin } from 'libbpf-ts';
import { nextCacheGeneration } from './epoch.js';
import { carryCounters, describeLayout, GENERATION, LAYOUT } from './generation.js';
import { loadOver } from './load.js';
import { isComplete, machineSizes, MAP_NAMES, mapOf, openMaps, readOnlyMaps, responderSizes, reusing } from './maps.js';
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

/** And ends with this where the responder alone uses them. */
const RESPONDER_ALONE = '-responder';

/** Which process wrote last, in the node's run-time directory. */
const WRITER_FILE = 'fastpath-writer';

export interface FastpathOptions {
  runDirectory: string;
  /** In a bpffs; made when the first map is. */
  pinDirectory: string;
  /** Named network namespace of the interfaces. */
  netns?: string;
  /** Of the programs only the responder is there: maps that it does not use are made for one entry. */
  responderAlone?: boolean;
}

/**
 * One node's maps and programs: opened from their pins, made when they are first written to. Mechanism; what the entries
 * mean is in the resources.
 */
export class FastpathStore {
  readonly netns: string | undefined;
  /** Encapsulations, by the tenant's SID; ids are from 1. */
  readonly encapIds = new ObjectIds({ what: 'fast-path encapsulation', first: 1, count: Limits.MAX_ENCAPS - 1 });
  /** Next-hop groups, by the prefix they lead to; ids are from 1. */
  readonly underlayIds = new ObjectIds({ what: 'fast-path underlay', first: 1, count: Limits.MAX_NEXTHOP_GROUPS - 1 });
  /** Counters of ports, by interface. */
  readonly slots = new ObjectIds({ what: 'counter of a port', first: 0, count: Limits.PORT_SLOTS });
  /** What gateways of the underlay were last resolved to, by `<ifindex> <address>`. */
  readonly neighbourMacs = new Map<string, string>();
  /** Hooks that a driver does not have, by `<ifindex> <hook>`: why. */
  readonly impossible = new Map<string, string>();
  readonly pinDirectory: string;
  readonly pins: PinKeeper;
  /** What hypervisors and network nodes know of gateways. */
  readonly gateways: GatewayStore;
  /** Maps of these sizes are apart from others, as those of another layout are. */
  readonly responderAlone: boolean;
  /** What a network node decides by. */
  readonly steering: SteeringStore;
  readonly #writerFile: string;
  readonly #runDirectory: string;
  readonly #identity = `${process.pid} ${randomUUID()}`;
  #maps: FastpathMaps | undefined;
  /** Inode of the first map's pin. */
  #pin: number | undefined;
  /** By the paths of their pins. */
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

  /** The maps, undefined when not all of them are there. @throws MapLayoutError, LibbpfError */
  get maps(): FastpathMaps | undefined {
    if (this.#maps !== undefined && this.#isWithoutBpffs()) return this.#maps;
    // Another process may have removed the pins, and made others of the same names since.
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

  /** Whether the pins are gone and cannot be made anew; the maps this process holds are those that programs read. */
  #isWithoutBpffs(): boolean {
    try {
      this.pins.restore();
      return false;
    } catch (error) {
      if (error instanceof PinsLostError) return true;
      throw error;
    }
  }

  /** Whether anything of ours is pinned, whole or not. */
  get isPinned(): boolean {
    return existsSync(this.pinDirectory);
  }

  /** The maps, made and pinned where they are not there. @throws MapLayoutError, LibbpfError */
  makeMaps(): FastpathMaps {
    const there = this.maps;
    if (there !== undefined) return there;
    this.pins.note();
    // libbpf makes them as the object file has them, with their BTF for bpftool.
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
   * This build's program: the pinned one, or loaded and pinned.
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
   * This build's program once more, to be run on made packets: it reads the maps there are, and what it writes it writes to maps
   * of its own. To be closed.
   *
   * @param rodata besides what the program has when it is attached
   * @throws LibbpfError
   */
  loadForTestRun(name: BpfProgramName, use: ProgramUse, rodata: Record<string, RodataValue>): BpfObject | undefined {
    const { maps } = this;
    if (maps === undefined) return undefined;
    return loadOver(
      name,
      { ...rodataOf(name, use), ...rodata },
      { ...machineSizes(), ...reusing(readOnlyMaps(maps)), ...this.#trialGateways(use) },
    );
  }

  /**
   * The same of a program of a network node: connections, counters and what it tells are its own. To be closed.
   *
   * @returns undefined where the node is no network node
   * @throws LibbpfError
   */
  loadNetworkNodeForTestRun(name: BpfProgramName, use: ProgramUse): BpfObject | undefined {
    const { maps } = this;
    const read = this.steering.readOnly();
    if (maps === undefined || read === undefined) return undefined;
    return loadOver(name, rodataOf(name, use), {
      ...machineSizes(),
      ...reusing(readOnlyMaps(maps)),
      ...this.#readOnlyGateways(),
      ...read,
    });
  }

  #trialGateways({ gateways = false }: ProgramUse): Record<string, MapConfiguration> {
    return gateways && this.gateways.maps !== undefined ? this.#readOnlyGateways() : NO_GATEWAY_MAPS;
  }

  /** Which node a flow has is remembered by programs: a trial has maps of its own for it. */
  #readOnlyGateways(): Record<string, MapConfiguration> {
    const written = ['sg_gw_affinity', 'sg_rpath_cache'];
    return Object.fromEntries(Object.entries(this.gateways.reuse()).filter(([name]) => !written.includes(name)));
  }

  /** This build's program when it is pinned, and uses the maps that are. */
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
    // Every program counts; each that knows gateways has some of their maps.
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
   * Removes pins of programs and maps that are not this build's. Those that a link still has stay loaded.
   *
   * @param use what the programs that stay are loaded for, with gateways or without
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

  /** Removes what is pinned for gateways: their maps, and the programs that use them. */
  removeGateways(): void {
    this.pins.note();
    const switches = [false, true];
    const uses = switches.flatMap((alone) => switches.map((anySource) => ({ alone, anySource })));
    this.#keepPrograms(uses, PROGRAM_NAMES);
    this.gateways.remove();
  }

  /** Removes pins of programs for other uses, or of another build. */
  #keepPrograms(uses: readonly ProgramUse[], names = Object.keys(FUNCTIONS) as BpfProgramName[]): void {
    const used = names.filter(
      (name) => COMMON_PROGRAMS.includes(name) || (name === 'ndp_responder_tc') === this.responderAlone,
    );
    // Of what this build has no object file of, nothing is current.
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

  /** Attachments that are pinned. */
  links(): { hook: BpfHook; ifindex: number; path: string }[] {
    return listDirectory(`${this.pinDirectory}/links`).flatMap((file) => {
      const [hook, ifindex] = file.split('_');
      const known = BPF_HOOKS.find((name) => name === hook);
      if (known === undefined || ifindex === undefined) return [];
      return [{ hook: known, ifindex: Number(ifindex), path: `${this.pinDirectory}/links/${file}` }];
    });
  }

  /**
   * Says that this process is about to write. Ids are given out by what a process has read; where another wrote since,
   * they have to be read anew before the next is given out.
   */
  beginExclusiveWrite(): void {
    let last = '';
    try {
      last = readFileSync(this.#writerFile, 'utf8');
    } catch {
      // Nobody has.
    }
    if (last === this.#identity) return;
    this.#idsKnown = false;
    // It may have been ended between a change and this.
    this.invalidateFlowCache();
    this.steering.setUnknown();
    mkdirSync(this.#runDirectory, { recursive: true });
    writeFileSync(this.#writerFile, this.#identity);
  }

  /** Makes programs forget what they remember of flows: after a change of what they look up. @throws LibbpfError */
  invalidateFlowCache(): void {
    const { maps } = this;
    if (maps !== undefined) nextCacheGeneration(maps.sg_cache_gen);
  }

  /** Whether the ids are those of the maps. */
  get idsKnown(): boolean {
    return this.#idsKnown;
  }

  setIdsKnown(): void {
    this.#idsKnown = true;
  }

  /** Removes what is pinned; programs and maps go with their last user. */
  remove(): void {
    this.#forget();
    this.pins.release();
    rmSync(this.pinDirectory, { recursive: true, force: true });
  }

  /** Lets go of descriptors; what is pinned stays. */
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
