/** The directories that a node's maps are pinned in: one for each layout (generation.ts) that is still there. */
import { existsSync, readdirSync } from 'node:fs';

/** Directories of maps begin with this; what follows is the generation. */
export const MAPS = 'maps_';

/** Names in a directory; none where it is absent. */
export function listDirectory(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Generations other than this one of which maps are pinned. */
export function otherGenerations(pinDirectory: string, generation: string): string[] {
  return listDirectory(pinDirectory).flatMap((file) =>
    file.startsWith(MAPS) && file !== MAPS + generation ? [file.slice(MAPS.length)] : [],
  );
}
