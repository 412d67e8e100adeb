/** The list `paths` of the intent: traffic engineering. */
import { exact, sameFields, sameList } from '../intent/equality.js';
import { checkPaths } from './path-check.js';
import { pathKey, pathStructure, scopePath } from './path.js';
import type { IntentPart } from '../intent/part.js';
import type { Path } from './path.js';

declare module '../intent/types.js' {
  interface Intent {
    /** Empty when the file has none. */
    paths: Path[];
  }
  interface IntentLists {
    paths: ListOf<'path', Path>;
  }
}

export const encapIntent = {
  lists: {
    paths: {
      kind: 'path',
      structure: pathStructure,
      check: checkPaths,
      keyOf: pathKey,
      same: sameFields<Path>({ to: exact, via: sameList, tenants: sameList }),
      keep: (paths, { node, hasNode, hasTenant }) =>
        paths.flatMap((path) => scopePath(path, node, hasNode, hasTenant) ?? []),
      isThereWhenEmpty: true,
    },
  },
} satisfies IntentPart;
