/** What the VM's benchmark leaves in its result file: that of the native ones, and of network nodes a list of its own. */
import type { DescribedPath, Results, Row } from '../lib/rows.js';

export interface VmResults extends Results {
  steer?: { paths: DescribedPath[]; rows: Row[] };
}
