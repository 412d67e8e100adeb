import { INTENT_MODEL } from '../app/features.js';
import { FileSource } from '../intent/file-source.js';
import { runDirectory } from './run-directory.js';
import { IntentReader } from './intent-reader.js';
import type { IntentSource } from '../intent/source.js';
import type { NodeConfig } from '../intent/types.js';

interface NodeFiles {
  config: NodeConfig;
  configFile: string;
}

/** The part of the node's intent file that is relevant to the node. @param onDigest called with the digest of each file that was read */
export function fileSource({ config, configFile }: NodeFiles, onDigest: (digest: string) => void): IntentSource {
  const reader = new IntentReader({ config, configFile, runDirectory: runDirectory(config.node) });
  return new FileSource(config.intent, {
    model: INTENT_MODEL,
    read: async (unlessDigest) => {
      const read = await reader.read(unlessDigest);
      onDigest(read.digest);
      return read;
    },
    close: () => {
      reader.close();
    },
  });
}
