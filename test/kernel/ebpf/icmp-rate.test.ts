import { describeIcmpRate } from '../../netns/lib/icmp-rate.js';

describeIcmpRate('ebpf');
