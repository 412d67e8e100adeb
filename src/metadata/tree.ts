/** Metadata as a tree: maps are directories with a listing, and strings are files. */
export interface Tree {
  readonly [name: string]: Tree | string;
}

/** The text at a path; undefined if there is none. In listings, names of directories end with a slash. */
export function lookUp(tree: Tree, path: readonly string[]): string | undefined {
  let at: Tree | string = tree;
  for (const name of path) {
    if (typeof at === 'string' || !Object.hasOwn(at, name)) return undefined;
    at = at[name] ?? '';
  }
  return typeof at === 'string' ? at : listing(at);
}

function listing(folder: Tree): string {
  return Object.entries(folder)
    .map(([name, inside]) => (typeof inside === 'string' ? name : `${name}/`))
    .join('\n');
}
