/** Run-time files of all nodes of a machine, in a directory for each node. */
export const RUN_ROOT = '/run/segue';

/** A node's run-time files. */
export function runDirectory(node: string): string {
  return `${RUN_ROOT}/${node}`;
}
