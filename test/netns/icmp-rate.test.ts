import { describeIcmpRate } from './lib/icmp-rate.js';

describeIcmpRate('kernel');
describeIcmpRate('hybrid');
