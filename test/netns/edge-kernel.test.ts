/** Kernel mode: nobody outside sends into the SR domain. */
import { describeOutsiders } from './lib/outsiders.js';

describeOutsiders('kernel');
