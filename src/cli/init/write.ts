/** `init`: writes the node file, from the intent and the machine's facts. */
import { existsSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { resolve } from 'node:path';
import { pinDirectory } from '../../agent/instance.js';
import { checkNodeInIntent, loadIntent } from '../../app/intent.js';
import { parseNodeConfig } from '../../intent/load.js';
import { nearest } from '../../intent/nearest.js';
import { writeOutput } from '../output-file.js';
import { CommandError, EXIT } from '../exit.js';
import { printError, print, printJson } from '../print.js';
import type { Intent } from '../../intent/types.js';
import type { Underlay } from '../../init/machine.js';

const STANDARD_OUTPUT = '-';
/** Names that an error lists. */
const LISTED = 5;

export interface InitFlags {
  file: string;
  output: string;
  node?: string;
  netns?: string;
  uplink?: string[];
  force?: boolean;
  json?: boolean;
}

/** Writes or prints the node file of this machine. @throws CommandError */
export async function writeNodeFile({
  file,
  output,
  node: name,
  netns,
  uplink,
  force,
  json,
}: InitFlags): Promise<void> {
  const toOutput = output === STANDARD_OUTPUT;
  if (!toOutput && force !== true && existsSync(output)) {
    refuse(`--output ${output}: the file exists: expected a new file, or --force to replace it`);
  }
  const intentFile = resolve(file);
  const intent = loadIntent(intentFile);
  const node = nodeOf(intent, intentFile, name);
  const { findLacks } = await import('../../init/machine.js');
  const { chooseDataplane, nodeFileText } = await import('../../init/node-file.js');
  const underlay = await underlayOf(intent, node, netns, uplink);
  const lacks = await findLacks(pinDirectory(node));
  const dataplane = chooseDataplane(lacks);
  if (dataplane === undefined) {
    const why = [...new Set([...lacks.ebpf, ...lacks.kernel])].map((one) => `\n  ${one}`).join('');
    throw new CommandError(`no data plane can run on this machine:${why}`);
  }
  const facts = { node, intent: intentFile, underlay, dataplane, lacks, release: release() };
  const text = nodeFileText({ ...facts, ...(netns !== undefined && { netns }) });
  // The result is checked like any node file: for ports at an uplink, or a network node without a fast path.
  checkNodeInIntent(parseNodeConfig(text, { file: output }), intent, output);
  if (toOutput && json !== true) {
    print(text.trimEnd());
    return;
  }
  if (!toOutput) writeOutput('--output', output, text, true);
  const uplinks = underlay.uplinks.map((one) => one.name);
  if (json === true)
    printJson({ file: toOutput ? null : resolve(output), node, intent: intentFile, uplinks, dataplane });
  else
    print(
      `${output}: node ${node}, uplinks ${uplinks.join(', ')}, dataplane ${dataplane}; next: segue doctor, segue apply`,
    );
  if (underlay.byDefaultRoute && uplink === undefined) {
    printError(`the uplinks are those of the default route: the other nodes' locators have no routes of their own`);
  }
}

/** @throws CommandError (bad input) */
function nodeOf(intent: Intent, file: string, wanted: string | undefined): string {
  const names = intent.nodes.map(({ name }) => name);
  const candidates = wanted === undefined ? [hostname(), hostname().split('.')[0] ?? ''] : [wanted];
  const found = candidates.find((name) => names.includes(name));
  if (found !== undefined) return found;
  const near = nearest(candidates[0] ?? '', names);
  const expected = `expected a node of ${file}: ${names.slice(0, LISTED).join(', ')}${names.length > LISTED ? ', …' : ''}`;
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return refuse(
    wanted === undefined
      ? `no node has this host's name, ${candidates[0]}: ${expected} (--node)${hint}`
      : `--node ${wanted}: ${expected}${hint}`,
  );
}

/** @throws CommandError (bad input) */
async function underlayOf(
  intent: Intent,
  node: string,
  netns: string | undefined,
  named: readonly string[] | undefined,
): Promise<Underlay> {
  const { findUplinks, namedUplinks } = await import('../../init/machine.js');
  if (named !== undefined) {
    const { uplinks, absent } = namedUplinks(named, netns);
    if (absent.length > 0) refuse(`--uplink ${absent.join(' ')}: expected an existing network interface`);
    return { uplinks, byDefaultRoute: false };
  }
  const found = findUplinks(intent, node, netns);
  if (found.uplinks.length > 0) return found;
  const others = intent.nodes.filter(({ name }) => name !== node).map(({ locator }) => locator);
  return refuse(
    others.length === 0
      ? 'the intent has no other node, so routes do not show the uplinks: expected --uplink'
      : `no route leads to ${others.slice(0, LISTED).join(', ')}${others.length > LISTED ? ', …' : ''}: expected the underlay to be up, or --uplink`,
  );
}

function refuse(message: string): never {
  throw new CommandError(message, EXIT.badInput);
}
