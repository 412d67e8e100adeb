/** Commands that documents show, run in a network of a test as a reader would run them in the laboratory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runIn } from '../../../lab/process.js';
import { blocks, commandLines, page, ROOT } from '../../unit/docs/markdown.js';
import type { TestNetwork } from '../../netns/lib/network.js';
import type { Ended } from '../../../lab/process.js';

export interface Shown {
  /** as the document has it */
  line: string;
  /** which the document says, `# exit 1`; 0 unless it does */
  status: number;
}

/** The commands of a document's blocks with this info string, in order. */
export function shownCommands(path: string, info = 'sh run'): Shown[] {
  return blocks(page(path))
    .filter((block) => block.info === info)
    .flatMap(commandLines)
    .map((line) => ({ line, status: Number(/# exit (\d+)/.exec(line)?.[1] ?? 0) }));
}

/** The laboratory's names in a document are those of the test's network: namespaces, nodes, files. */
export function inNetwork(network: TestNetwork, line: string): string {
  return line
    .replaceAll('sgl-', `${network.topology.prefix}-`)
    .replaceAll('/run/segue-lab/', `${network.directory}/`)
    .replaceAll('/tmp/', `${network.directory}/`);
}

/**
 * A shell's line, in the root of the repository.
 *
 * @param config the node file that `segue` takes where the line names none
 */
export function runShown(network: TestNetwork, line: string, config?: string): Promise<Ended> {
  const bin = join(network.directory, 'bin');
  mkdirSync(bin, { recursive: true });
  const option = config === undefined ? '' : ` -c ${config}`;
  writeFileSync(join(bin, 'segue'), `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/segue')} "$@"${option}\n`, {
    mode: 0o755,
  });
  const path = `${bin}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return runIn(undefined, ['bash', '-uo', 'pipefail', '-c', `cd '${ROOT}' && { ${inNetwork(network, line)}\n}`], {
    env: { ...process.env, PATH: path },
  });
}
