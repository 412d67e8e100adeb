import { existsSync } from 'node:fs';
import { BpfMap } from '../libbpf/index.js';

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
