/** Directories of a node's pinned maps, one for each layout (generation.ts) that still exists. */
import { existsSync, readdirSync } from 'node:fs';

/** Prefix of the directories of maps, followed by the generation. */
export const MAPS = 'maps_';

/** Names in a directory; empty if it does not exist. */
export function listDirectory(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Other generations with pinned maps. */
export function otherGenerations(pinDirectory: string, generation: string): string[] {
  return listDirectory(pinDirectory).flatMap((file) =>
    file.startsWith(MAPS) && file !== MAPS + generation ? [file.slice(MAPS.length)] : [],
  );
}
