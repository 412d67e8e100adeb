import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { DEFAULT_POLICY_PRIORITY } from '../src/intent/bounds.js';
import { intentOf, nodeConfigOf, segueNodes } from './topology.js';
import type { NodeConfig } from '../src/intent/types.js';
import type { FedIntent } from './fleet.js';
import type { Topology } from './topology.js';

/** Paths of a laboratory's files. */
export interface LabFiles {
  directory: string;
  intent: string;
  /** node files by the nodes' short names */
  nodes: Map<string, string>;
}

/** Paths of a laboratory's files, whether they exist or not. */
function labFiles(topology: Topology, directory: string): LabFiles {
  const nodes = segueNodes(topology).map(({ name }) => [name, join(directory, `${name}.yaml`)] as const);
  return { directory, intent: join(directory, 'intent.yaml'), nodes: new Map(nodes) };
}

/**
 * Writes the intent, and a node file for each hypervisor and network node.
 *
 * @param intentOf the `intent` of a node file, by the node's name; default: the path of the intent file
 */
export function writeFiles(topology: Topology, directory: string, intentOf?: (node: string) => FedIntent): LabFiles {
  const files = labFiles(topology, directory);
  mkdirSync(directory, { recursive: true });
  writeFileSync(files.intent, intentText(topology));
  for (const node of segueNodes(topology)) {
    const path = files.nodes.get(node.name);
    const config = nodeConfigOf(topology, node, files.intent);
    if (path !== undefined) writeFileSync(path, nodeText(config, intentOf?.(config.node)));
  }
  return files;
}

/** Text of the intent file, without defaults. */
export function intentText(topology: Topology): string {
  const { version, sidBlock, nodes, tenants, ports, paths, gateways, externals, policies } = intentOf(topology);
  return stringify(
    {
      version,
      sidBlock,
      nodes: nodes.map(({ name, locator, behaviours, drain }) => ({
        ...{ name, locator },
        ...(behaviours && { behaviours }),
        ...(drain && { drain }),
      })),
      tenants: tenants.map(({ name, id, subnets }) => ({ name, id, subnets })),
      ports: ports.map(({ prefixes, ...port }) => ({ ...port, ...(prefixes.length > 0 && { prefixes }) })),
      ...(paths.length > 0 && { paths }),
      ...(gateways && { gateways }),
      ...(externals && { externals }),
      ...(policies && {
        policies: policies.map(({ priority, ...policy }) => ({
          ...policy,
          ...(priority !== DEFAULT_POLICY_PRIORITY && { priority }),
        })),
      }),
    },
    // Equal subnets of two tenants are written twice: anchors and aliases are not allowed.
    { aliasDuplicateObjects: false },
  );
}

function nodeText(
  { node, netns, uplinks, dataplane, xdp, behaviours, intent }: NodeConfig,
  fed: FedIntent | undefined,
): string {
  return stringify({ node, netns, uplinks, dataplane, xdp, behaviours, intent: fed ?? intent });
}
