/** Sizes that plan and maps have in common. */

/** FLOW_NODES of bpf/abi/limits.h: flows of which a hypervisor remembers the network node. */
export const FLOW_NODES = 65_536;
