import { existsSync } from 'node:fs';
import { BpfMap, BpfProgram } from 'libbpf-ts';

/**
 * Opens those of several maps that are pinned; if one cannot be opened, none stays open.
 *
 * @throws LibbpfError
 */
export function openThere<N extends string>(
  names: readonly N[],
  pathOf: (name: N) => string,
): Partial<Record<N, BpfMap>> {
  const maps: Partial<Record<N, BpfMap>> = {};
  try {
    for (const name of names) if (existsSync(pathOf(name))) maps[name] = BpfMap.openPinned(pathOf(name));
  } catch (error) {
    for (const map of Object.values<BpfMap | undefined>(maps)) map?.close();
    throw error;
  }
  return maps;
}

/**
 * Opens a pinned program.
 *
 * @param some maps of which the program must use at least one
 * @returns undefined if the program does not use the map, or none of `some`
 * @throws LibbpfError
 */
export function openOver(path: string, map: BpfMap, some?: readonly BpfMap[]): BpfProgram | undefined {
  const program = BpfProgram.openPinned(path);
  let isOver = false;
  try {
    const { mapIds } = program.info();
    const isUsed = ({ info }: BpfMap): boolean => mapIds.includes(info.id);
    isOver = isUsed(map) && (some === undefined || some.some(isUsed));
  } finally {
    if (!isOver) program.close();
  }
  return isOver ? program : undefined;
}
