// Generated from bpf/maps by `make gen`: do not edit, change the C.

/** A map that programs share, as bpf/maps defines it. */
export interface SharedMap {
  readonly type: string;
  /** Bytes of key and value. */
  readonly sizes: readonly [key: number, value: number];
  readonly entries: number;
  /** So many entries are those for one CPU. */
  readonly perCpu?: true;
  /** Programs write it; the verifier has them only read the others. */
  readonly written?: true;
  /** A program of kernel mode uses it. */
  readonly kernelMode?: true;
}

export const FASTPATH_MAPS = {
  sg_allowed_lpm: { type: 'lpm_trie', sizes: [28, 8], entries: 65536, kernelMode: true },
  sg_allowed_src: { type: 'hash', sizes: [24, 8], entries: 65536, kernelMode: true },
  sg_boot: { type: 'hash', sizes: [4, 1592], entries: 16384, kernelMode: true },
  sg_cache_gen: { type: 'array', sizes: [4, 16], entries: 1, written: true },
  sg_decap_cache: { type: 'array', sizes: [4, 192], entries: 4096, perCpu: true, written: true },
  sg_dhcp4: { type: 'hash', sizes: [4, 832], entries: 16384, kernelMode: true },
  sg_dhcp6: { type: 'hash', sizes: [4, 1008], entries: 16384, kernelMode: true },
  sg_domain_src: { type: 'hash', sizes: [16, 8], entries: 65536 },
  sg_egress_cache: { type: 'array', sizes: [4, 256], entries: 4096, perCpu: true, written: true },
  sg_encap_cache: { type: 'array', sizes: [4, 448], entries: 1024, perCpu: true, written: true },
  sg_encaps: { type: 'hash', sizes: [4, 80], entries: 1048576 },
  sg_endpoint_lpm: { type: 'lpm_trie', sizes: [28, 8], entries: 1048576 },
  sg_endpoints: { type: 'hash', sizes: [24, 8], entries: 1048576 },
  sg_migrations: { type: 'hash', sizes: [4, 32], entries: 4096, written: true },
  sg_nh_groups: { type: 'hash', sizes: [4, 408], entries: 65536 },
  sg_node: { type: 'array', sizes: [4, 152], entries: 1, kernelMode: true },
  sg_notices: { type: 'hash', sizes: [16, 24], entries: 4096 },
  sg_port_cache: { type: 'array', sizes: [4, 128], entries: 256, perCpu: true, written: true },
  sg_port_icmp: { type: 'hash', sizes: [4, 24], entries: 16384, written: true },
  sg_port_stats: { type: 'percpu_array', sizes: [4, 32], entries: 16384, written: true },
  sg_ports: { type: 'hash', sizes: [4, 56], entries: 16384, kernelMode: true },
  sg_ra: { type: 'hash', sizes: [4, 512], entries: 16384, kernelMode: true },
  sg_replies: { type: 'prog_array', sizes: [4, 4], entries: 3, written: true, kernelMode: true },
  sg_service: { type: 'hash', sizes: [4, 16], entries: 1, kernelMode: true },
  sg_sids: { type: 'hash', sizes: [16, 8], entries: 65536 },
  sg_source_cache: { type: 'array', sizes: [4, 32], entries: 1024, perCpu: true, written: true },
  sg_trace_on: { type: 'array', sizes: [4, 8], entries: 1, written: true },
  sg_trace_rate: { type: 'percpu_array', sizes: [4, 32], entries: 256, written: true, kernelMode: true },
  sg_trace_rings: { type: 'array_of_maps', sizes: [4, 4], entries: 4, written: true, kernelMode: true },
  sg_trace_sess: { type: 'array', sizes: [4, 40], entries: 4, written: true, kernelMode: true },
  sg_trusted: { type: 'lpm_trie', sizes: [20, 8], entries: 4096, kernelMode: true },
  sg_verdicts: { type: 'percpu_array', sizes: [4, 8], entries: 61, written: true, kernelMode: true },
} as const satisfies Record<string, SharedMap>;

export const GATEWAY_MAPS = {
  sg_gw_affinity: { type: 'array', sizes: [4, 64], entries: 32768, written: true },
  sg_gw_encaps: { type: 'hash', sizes: [8, 4], entries: 65536 },
  sg_gw_evicted: { type: 'percpu_array', sizes: [4, 8], entries: 1, written: true },
  sg_gw_flow_keys: { type: 'array', sizes: [4, 48], entries: 262144, written: true },
  sg_gw_seeds: { type: 'array', sizes: [4, 48], entries: 1 },
  sg_maglev: { type: 'array', sizes: [4, 16376], entries: 64 },
  sg_nn_src: { type: 'hash', sizes: [16, 4], entries: 1024 },
  sg_nn_state: { type: 'array', sizes: [4, 8], entries: 1024 },
} as const satisfies Record<string, SharedMap>;

export const NN_MAPS = {
  sg_ct: { type: 'array', sizes: [4, 1664], entries: 32768, written: true },
  sg_ct_pairs: { type: 'hash', sizes: [8, 16], entries: 65536, written: true },
  sg_ct_totals: { type: 'array', sizes: [4, 128], entries: 1, written: true },
  sg_ext_src: { type: 'lpm_trie', sizes: [28, 16], entries: 4096 },
  sg_gw_sids: { type: 'hash', sizes: [16, 16], entries: 65536 },
  sg_icmp_src_lpm: { type: 'lpm_trie', sizes: [28, 16], entries: 65536 },
  sg_log_rate: { type: 'percpu_array', sizes: [4, 24], entries: 1, written: true },
  sg_nn_cache: { type: 'array', sizes: [4, 768], entries: 2048, perCpu: true, written: true },
  sg_nn_config: { type: 'array', sizes: [4, 64], entries: 1 },
  sg_pol_dst: { type: 'lpm_trie', sizes: [28, 8], entries: 262144 },
  sg_pol_hits: { type: 'percpu_array', sizes: [4, 24], entries: 16384, written: true },
  sg_pol_pairs: { type: 'hash', sizes: [8, 8], entries: 65536 },
  sg_pol_ports: { type: 'array', sizes: [4, 16], entries: 262144 },
  sg_pol_rules: { type: 'hash', sizes: [16, 8], entries: 1048576 },
  sg_pol_src: { type: 'lpm_trie', sizes: [28, 8], entries: 262144 },
  sg_policies: { type: 'array', sizes: [4, 64], entries: 16384 },
  sg_policy_log: { type: 'ringbuf', sizes: [0, 0], entries: 262144, written: true },
  sg_uplink_prog: { type: 'prog_array', sizes: [4, 4], entries: 1, written: true },
  sg_zone_routes: { type: 'lpm_trie', sizes: [28, 16], entries: 262144 },
  sg_zone_stats: { type: 'percpu_array', sizes: [4, 32], entries: 4096, written: true },
} as const satisfies Record<string, SharedMap>;
