/** Metadata of VMs where a kernel forwards as well: the same programs, the same service. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, cloud, intentOf, METADATA4, METADATA6, METADATA_LINK, serve } from '../kernel/service/cloud.js';
import { useNetwork } from './lib/network.js';
import type { MetadataProcess } from '../../src/metadata/process.js';

const HANG_MS = 600_000;

describe.each(['kernel', 'hybrid'] as const)('the metadata service in %s mode', { timeout: HANG_MS }, (dataplane) => {
  let service: MetadataProcess;
  const network = useNetwork(cloud(dataplane), async (made) => {
    for (const node of ['hv1', 'hv2']) await made.apply(node, intentOf(made));
  });
  beforeAll(async () => {
    service = await serve(network);
  }, HANG_MS);
  afterAll(() => {
    service.close();
  });

  it.each(['red', 'blue'])('gives %s its own metadata at each address', async (vm) => {
    for (const host of [METADATA4, `[${METADATA6}]`, `[${METADATA_LINK}%25eth0]`]) {
      const url = `http://${host}/latest/meta-data/instance-id`;
      expect(await ask(network, vm, url), url).toEqual({ status: 200, text: `inst-${vm}` });
    }
  });
});
