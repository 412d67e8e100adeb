/** The programs of src/netlink/examples. */
import { describe } from 'vitest';
import { Examples } from '../examples.js';
import { ROOT } from '../libbpf/harness.js';
import { netlinkExamples } from './examples.js';

describe('examples of netlink-ts', () => {
  netlinkExamples(new Examples(`${ROOT}/src/netlink/examples`));
});
