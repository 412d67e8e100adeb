/** `dataplane: ebpf` on a host that forwards: nobody outside sends into the SR domain. */
import { describeOutsiders } from '../../netns/lib/outsiders.js';

describeOutsiders('ebpf');
