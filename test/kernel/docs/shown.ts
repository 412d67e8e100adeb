/** Runs commands from the documents in a test's network, as a reader would run them in the laboratory. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
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
  const names: Record<string, string> = {
    'sgl-': `${network.topology.prefix}-`,
    '/run/segue-lab/': `${network.directory}/`,
    '/tmp/': `${network.directory}/`,
  };
  return line.replaceAll(/sgl-|\/run\/segue-lab\/|\/tmp\//g, (name) => names[name] ?? name);
}

/**
 * A shell's line, in the root of the repository.
 *
 * @param config the node file that `segue` takes where the line names none
 */
export function runShown(network: TestNetwork, line: string, config?: string): Promise<Ended> {
  const bin = join(network.directory, 'bin');
  if (!existsSync(bin)) {
    mkdirSync(bin);
    const script = `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/segue')} "$@" $SHOWN_OPTIONS\n`;
    writeFileSync(join(bin, 'segue'), script, { mode: 0o755 });
  }
  const path = `${bin}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return runIn(undefined, ['bash', '-uc', `cd '${ROOT}' && { ${inNetwork(network, line)}\n}`], {
    env: { ...process.env, PATH: path, SHOWN_OPTIONS: config === undefined ? '' : `-c ${config}` },
  });
}
