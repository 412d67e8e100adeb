/** Configuration of an object's maps and programs before it is loaded, and the handles that it needs until then. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MAP_TYPES, PROGRAM_TYPES } from './constants.js';
import { check, LibbpfError, numberOf, u32 } from './errors.js';
import { libbpf, libc } from './ffi.js';
import { duplicate } from './handle.js';
import type { ObjectFile } from './object-file.js';
import type { MapConfiguration, ProgramConfiguration } from './object-options.js';
import { checkBpffs } from './pin.js';

export class ObjectConfiguration {
  readonly #file: ObjectFile;
  readonly #pinFolders = new Set<string>();
  /** templates of maps in maps, which libbpf reads at load and does not own */
  readonly #descriptors: number[] = [];

  constructor(file: ObjectFile) {
    this.#file = file;
  }

  /** @throws LibbpfError LIBBPF_STATE, LIBBPF_NAME, or libbpf's errno */
  map(name: string, configuration: MapConfiguration): void {
    const operation = `object ${this.#file.name}: map ${name}: configure`;
    const map = this.#file.map(name, 'configure');
    this.#file.beforeLoad(`map ${name}: configure`);
    const lib = libbpf();
    const { type, maxEntries, valueSize, flags, pin, reuse, inner, create } = configuration;
    const shaped = type !== undefined || maxEntries !== undefined || valueSize !== undefined;
    if (shaped && lib.bpf_map__initial_value(map, Buffer.alloc(8)) !== null) {
      // libbpf unmaps as many bytes as it then believes to have mapped: memory of others.
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation,
        reason: 'the programs determine the layout of global data',
      });
    }
    const set = (result: number, what: string): number => check(result, operation, what);
    if (type !== undefined)
      set(lib.bpf_map__set_type(map, numberOf(MAP_TYPES, type, operation, 'type')), `type ${type}`);
    if (maxEntries !== undefined) {
      set(lib.bpf_map__set_max_entries(map, u32(maxEntries, operation, 'max_entries')), `max_entries ${maxEntries}`);
    }
    if (valueSize !== undefined) {
      set(lib.bpf_map__set_value_size(map, u32(valueSize, operation, 'value size')), `value size ${valueSize}`);
    }
    if (flags !== undefined) set(lib.bpf_map__set_map_flags(map, u32(flags, operation, 'flags')), `flags ${flags}`);
    if (pin !== undefined) {
      const folder = dirname(resolve(pin));
      checkBpffs(folder);
      this.#pinFolders.add(folder);
      set(lib.bpf_map__set_pin_path(map, pin), `pin ${pin}`);
    }
    if (inner !== undefined) {
      const fd = duplicate(inner.fd, inner.label);
      this.#descriptors.push(fd);
      set(lib.bpf_map__set_inner_map_fd(map, fd), inner.label);
    }
    if (reuse !== undefined) set(lib.bpf_map__reuse_fd(map, reuse.fd), `reuse ${reuse.label}`);
    if (create !== undefined) set(lib.bpf_map__set_autocreate(map, create), `create ${create}`);
  }

  /** @throws LibbpfError LIBBPF_STATE, LIBBPF_NAME */
  program(name: string, configuration: ProgramConfiguration): void {
    const operation = `object ${this.#file.name}: program ${name}: configure`;
    const program = this.#file.program(name, 'configure');
    this.#file.beforeLoad(`program ${name}: configure`);
    const lib = libbpf();
    const { load, type, attachType } = configuration;
    if (load !== undefined) check(lib.bpf_program__set_autoload(program, load), operation);
    if (type !== undefined)
      check(lib.bpf_program__set_type(program, numberOf(PROGRAM_TYPES, type, operation, 'type')), operation);
    if (attachType !== undefined)
      check(lib.bpf_program__set_expected_attach_type(program, u32(attachType, operation, 'attach type')), operation);
  }

  /** Folders that maps are to be pinned in, which libbpf expects. */
  makePinFolders(): void {
    for (const folder of this.#pinFolders) mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  close(): void {
    for (const fd of this.#descriptors.splice(0)) libc().close(fd);
  }
}
