/** Loads the edge at boot, before interfaces exist, and without an agent. */
import { viewOf } from './planning.js';
import { readDomain } from '../edge/domain.js';
import { edgeScript, listEdgeFiles, readEdgeFile } from '../edge/edge-file.js';
import { planEdge, planEdgeSource, planEdgeTable } from '../edge/plan.js';
import { loadIntentOf } from '../fleet/node/cache.js';
import { loadNodeConfig } from '../intent/load.js';
import { nft } from '../kernel/nft.js';
import type { NodeConfig } from '../intent/types.js';
import type { Emit } from '../plan/plan.js';
import type { NftObject } from '../reconcile/nft-objects.js';
import { checkNodeInIntent, scopeTo } from './intent.js';

/** Source of the loaded edge, and failures of the sources before it. */
export interface LoadedEdge {
  from: string;
  problems: string[];
}

/** No edge could be found or built; the message contains the failure of each source. */
class NoEdgeError extends Error {
  readonly code = 'NO_EDGE';

  constructor(problems: readonly string[]) {
    super(`no edge is loaded: packets may enter the SR domain from outside: ${problems.join('; ')}`);
    this.name = 'NoEdgeError';
  }
}

/** Longer messages of nft quote whole sets. */
const MAX_WORDS = 300;

/**
 * Loads the edge that was last in force; else one built from the node file and the intent; if the intent is refused, at least the domain's
 * prefixes.
 *
 * @param file the node file
 * @param root directory of saved edges
 * @throws NoEdgeError
 */
export async function loadEdge(file: string, root?: string): Promise<LoadedEdge> {
  const problems: string[] = [];
  let config: NodeConfig;
  try {
    config = loadNodeConfig(file);
  } catch (error) {
    problems.push(words(error));
    return loadOnlyOne(problems, root);
  }
  const { netns } = config;
  const load = async (from: string, make: () => string): Promise<LoadedEdge | undefined> => {
    try {
      await nft(netns, ['-f', '-'], make());
      return { from, problems };
    } catch (error) {
      problems.push(words(error));
      return undefined;
    }
  };
  const loaded =
    (await load('the edge that was last in force', () => readEdgeFile(config.node, root).script)) ??
    (await load(`made from ${file} and ${config.intent}`, () => scriptOf((emit) => planWhole(config, file, emit)))) ??
    (await load(`made from ${file} and the prefixes of ${config.intent}`, () =>
      scriptOf((emit) => planEdgeTable(false, config, readDomain(config.intent), emit)),
    ));
  if (loaded === undefined) throw new NoEdgeError(problems);
  return loaded;
}

/** Loads the only saved edge: a refused node file does not tell the node's name. */
async function loadOnlyOne(problems: string[], root?: string): Promise<LoadedEdge> {
  const [saved, ...others] = await listEdgeFiles(root);
  if (saved === undefined) problems.push('no edge was saved');
  else if (others.length > 0) problems.push(`edges of ${others.length + 1} nodes were saved: expected one`);
  else {
    try {
      await nft(saved.netns, ['-f', '-'], saved.script);
      return { from: saved.path, problems };
    } catch (error) {
      problems.push(words(error));
    }
  }
  throw new NoEdgeError(problems);
}

function planWhole(config: NodeConfig, file: string, emit: Emit): void {
  const intent = loadIntentOf(config);
  checkNodeInIntent(config, intent, file);
  // Of the machine's facts only forwarding matters to the edge, and nothing forwards for segue yet.
  const view = viewOf(config, { uplinkMtu: 0 }, scopeTo(intent, config.node));
  planEdge(view, emit);
  for (const source of view.sources) planEdgeSource(view, source, emit);
}

function scriptOf(plan: (emit: Emit) => void): string {
  const objects: NftObject[] = [];
  plan((kind, _key, value) => {
    if (kind === 'edge') objects.push(value as NftObject);
  });
  return edgeScript(objects);
}

function words(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll('\n', '; ');
  return text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS)} …` : text;
}
