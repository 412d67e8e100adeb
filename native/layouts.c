// SPDX-License-Identifier: Apache-2.0
// Prints, as JSON, how the C compiler lays out the structs of bpf/test/maps.h and libbpf's option structs: sizes, offsets, and one
// struct filled in. Tests hold generated codecs and src/libbpf/structs.ts against it.
#include "../bpf/test/maps.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define BEGIN(type) printf("  \"%s\": {\"size\": %zu, \"offsets\": {", #type, sizeof(struct type))
#define FIRST(type, name, field) printf("\"%s\": %zu", name, offsetof(struct type, field))
#define FIELD(type, name, field) printf(", \"%s\": %zu", name, offsetof(struct type, field))
#define END() puts("}},")

static void hex(const void *bytes, size_t size) {
  for (size_t at = 0; at < size; at++) printf("%02x", ((const unsigned char *)bytes)[at]);
}

static void filled(void) {
  static const unsigned char sid[] = {0xfd, 0, 0, 0x5e, 0, 1, 0x46, 0, 0, 0x64, 0, 0, 0, 0, 0, 0x0a};
  struct endpoint endpoint;
  memset(&endpoint, 0, sizeof(endpoint));
  memcpy(&endpoint.sid, sid, sizeof(sid));
  for (int path = 0; path < 2; path++) {
    endpoint.paths[path].source_mac[0] = endpoint.paths[path].dest_mac[0] = 2;
    endpoint.paths[path].source_mac[5] = 1 + 2 * path;
    endpoint.paths[path].dest_mac[5] = 2 + 2 * path;
  }
  endpoint.paths[0].ifindex = 3;
  endpoint.paths[1].ifindex = 4000000000u;
  endpoint.port = htons(0x1234);
  endpoint.path_count = 2;
  endpoint.local = true;
  endpoint.last = EVENT_LWT;
  endpoint.weight = -5;
  endpoint.flow_label = htonl(0x000abcde);
  endpoint.packets = (1ull << 63) + 1;
  memset(&endpoint.gateway6, 9, sizeof(endpoint.gateway6));
  endpoint.level = -128;
  printf("  \"filled\": {\"hex\": \"");
  hex(&endpoint, sizeof(endpoint));
  puts("\"}");
}

int main(void) {
  puts("{");
  BEGIN(endpoint_key);
  FIRST(endpoint_key, "tenant", tenant);
  FIELD(endpoint_key, "address", address);
  END();
  BEGIN(next_hop);
  FIRST(next_hop, "sourceMac", source_mac);
  FIELD(next_hop, "destMac", dest_mac);
  FIELD(next_hop, "ifindex", ifindex);
  END();
  BEGIN(endpoint);
  FIRST(endpoint, "sid", sid);
  FIELD(endpoint, "paths", paths);
  FIELD(endpoint, "port", port);
  FIELD(endpoint, "pathCount", path_count);
  FIELD(endpoint, "local", local);
  FIELD(endpoint, "last", last);
  FIELD(endpoint, "weight", weight);
  FIELD(endpoint, "flowLabel", flow_label);
  FIELD(endpoint, "packets", packets);
  FIELD(endpoint, "gateway6", gateway6);
  FIELD(endpoint, "level", level);
  END();
  BEGIN(counters);
  FIRST(counters, "packets", packets);
  FIELD(counters, "bytes", bytes);
  END();
  BEGIN(prefix_key);
  FIRST(prefix_key, "prefixLen", prefix_len);
  FIELD(prefix_key, "tenant", tenant);
  FIELD(prefix_key, "address", address);
  END();
  BEGIN(event);
  FIRST(event, "kind", kind);
  FIELD(event, "bytes", bytes);
  FIELD(event, "ethertype", ethertype);
  FIELD(event, "source", source);
  FIELD(event, "tenant", tenant);
  FIELD(event, "padding", padding);
  END();
  BEGIN(bpf_object_open_opts);
  FIRST(bpf_object_open_opts, "object_name", object_name);
  FIELD(bpf_object_open_opts, "pin_root_path", pin_root_path);
  FIELD(bpf_object_open_opts, "kernel_log_buf", kernel_log_buf);
  FIELD(bpf_object_open_opts, "kernel_log_size", kernel_log_size);
  FIELD(bpf_object_open_opts, "kernel_log_level", kernel_log_level);
  END();
  BEGIN(bpf_map_create_opts);
  FIRST(bpf_map_create_opts, "inner_map_fd", inner_map_fd);
  FIELD(bpf_map_create_opts, "map_flags", map_flags);
  FIELD(bpf_map_create_opts, "map_extra", map_extra);
  FIELD(bpf_map_create_opts, "numa_node", numa_node);
  END();
  BEGIN(bpf_prog_load_opts);
  FIRST(bpf_prog_load_opts, "log_level", log_level);
  FIELD(bpf_prog_load_opts, "log_size", log_size);
  FIELD(bpf_prog_load_opts, "log_buf", log_buf);
  END();
  BEGIN(bpf_test_run_opts);
  FIRST(bpf_test_run_opts, "data_in", data_in);
  FIELD(bpf_test_run_opts, "data_out", data_out);
  FIELD(bpf_test_run_opts, "data_size_in", data_size_in);
  FIELD(bpf_test_run_opts, "data_size_out", data_size_out);
  FIELD(bpf_test_run_opts, "ctx_in", ctx_in);
  FIELD(bpf_test_run_opts, "ctx_out", ctx_out);
  FIELD(bpf_test_run_opts, "ctx_size_in", ctx_size_in);
  FIELD(bpf_test_run_opts, "ctx_size_out", ctx_size_out);
  FIELD(bpf_test_run_opts, "retval", retval);
  FIELD(bpf_test_run_opts, "repeat", repeat);
  FIELD(bpf_test_run_opts, "duration", duration);
  FIELD(bpf_test_run_opts, "flags", flags);
  FIELD(bpf_test_run_opts, "cpu", cpu);
  FIELD(bpf_test_run_opts, "batch_size", batch_size);
  END();
  BEGIN(bpf_link_create_opts);
  FIRST(bpf_link_create_opts, "flags", flags);
  FIELD(bpf_link_create_opts, "relative_fd", tcx.relative_fd);
  FIELD(bpf_link_create_opts, "relative_id", tcx.relative_id);
  FIELD(bpf_link_create_opts, "expected_revision", tcx.expected_revision);
  END();
  BEGIN(bpf_link_update_opts);
  FIRST(bpf_link_update_opts, "flags", flags);
  FIELD(bpf_link_update_opts, "old_prog_fd", old_prog_fd);
  END();
  BEGIN(bpf_prog_query_opts);
  FIRST(bpf_prog_query_opts, "query_flags", query_flags);
  FIELD(bpf_prog_query_opts, "attach_flags", attach_flags);
  FIELD(bpf_prog_query_opts, "prog_ids", prog_ids);
  FIELD(bpf_prog_query_opts, "count", count);
  FIELD(bpf_prog_query_opts, "link_ids", link_ids);
  FIELD(bpf_prog_query_opts, "revision", revision);
  END();
  filled();
  puts("}");
  return 0;
}
