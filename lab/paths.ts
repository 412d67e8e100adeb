import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Directory of the package. The sources (lab/), the bundle (dist/lab/) and the benchmarks' build (build/lab/) have different depths below it. */
export const PACKAGE_ROOT = findPackageRoot(dirname(fileURLToPath(import.meta.url)));

/** bin/segue of this package. */
export const SEGUE_COMMAND = join(PACKAGE_ROOT, 'bin/segue');

/** The script that boots the VM; only in a checkout, not in an installed package. */
export const VM_RUN = join(PACKAGE_ROOT, 'test/vm/run');

function findPackageRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json above ${start}`);
  }
}
