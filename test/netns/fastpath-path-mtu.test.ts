import { describePathMtu } from './lib/path-mtu.js';

describePathMtu('hybrid');
