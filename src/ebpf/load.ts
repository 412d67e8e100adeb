import { BpfObject, type MapConfiguration, type RodataValue } from 'libbpf-ts';
import { objectPath } from './programs.js';
import type { BpfProgramName } from './objects.js';

/**
 * Loads a program's object file with existing or disabled maps. Maps that the program does not use are ignored.
 *
 * @returns an object that the caller must close
 * @throws LibbpfError
 */
export function loadOver(
  name: BpfProgramName,
  rodata: Record<string, RodataValue>,
  maps: Readonly<Record<string, MapConfiguration>>,
): BpfObject {
  return loadFileOver(objectPath(name), rodata, maps);
}

/** Loads an object file by its path, such as another build's. */
export function loadFileOver(
  path: string,
  rodata: Record<string, RodataValue>,
  maps: Readonly<Record<string, MapConfiguration>>,
): BpfObject {
  const object = BpfObject.open(path);
  try {
    const names = new Set(object.mapNames);
    object.setRodata(rodata);
    for (const [map, how] of Object.entries(maps)) if (names.has(map)) object.configureMap(map, how);
    object.load();
  } catch (error) {
    object.close();
    throw error;
  }
  return object;
}
