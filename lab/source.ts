/** Where the agents of a laboratory get the intent from: a file, or etcd by a feed. */
import { writeFiles } from './files.js';
import { LabFleet } from './fleet.js';
import type { LabFiles } from './files.js';
import type { Topology } from './topology.js';

export type SourceName = 'file' | 'etcd';

export interface LabSource {
  files: LabFiles;
  /** Absent: a file. */
  fleet?: LabFleet;
  /** Makes the topology as it is now the intent. */
  update(): Promise<void>;
  close(): Promise<void>;
}

interface SourceOptions {
  directory: string;
  /** the processes keep running when this process ends */
  detached?: boolean;
  onProgress: (text: string) => void;
}

/** @throws Error if it cannot be started; nothing is left running then */
export async function openSource(
  topology: Topology,
  name: SourceName,
  { directory, detached = false, onProgress }: SourceOptions,
): Promise<LabSource> {
  if (name === 'file') {
    const write = (): LabFiles => writeFiles(topology, directory);
    return {
      files: write(),
      update: () => {
        write();
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
  }
  onProgress('starting etcd and a feed, and writing the intent to etcd');
  const fleet = await LabFleet.start(topology, directory, { detached });
  const write = async (): Promise<LabFiles> => {
    const files = writeFiles(topology, directory, (node) => fleet.intentOf(node));
    await fleet.apply(files.intent);
    return files;
  };
  try {
    return {
      files: await write(),
      fleet,
      update: async () => {
        await write();
      },
      close: () => fleet.close(),
    };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}
