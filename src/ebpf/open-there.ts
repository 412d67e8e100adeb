import { existsSync } from 'node:fs';
import { BpfMap, BpfProgram } from 'libbpf-ts';

/**
 * Opens those of several maps that are pinned: all of them, or none where one cannot be opened.
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
 * @param some of these it uses one at least
 * @returns undefined where it does not use the map
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
