/** Run-time files of all nodes of a machine; each has a directory by its name. */
export const RUN_ROOT = '/run/segue';

/** A node's run-time files. */
export function runDirectory(node: string): string {
  return `${RUN_ROOT}/${node}`;
}
