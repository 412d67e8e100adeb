import { describePathMtu } from '../../netns/lib/path-mtu.js';

describePathMtu('ebpf');
