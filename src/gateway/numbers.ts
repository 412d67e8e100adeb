/** Sizes that plan and maps have in common. */
import { Limits } from '../ebpf/generated/layouts.js';

/** Flows of which a hypervisor keeps the network node. */
export const FLOW_NODES = Limits.GW_FLOWS;
